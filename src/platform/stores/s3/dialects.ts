import type { CloudType } from '../../model/cloud.ts';
import type { S3Dialect } from './dialect.ts';
import { aliyun } from './rows/aliyun.ts';
import { aws } from './rows/aws.ts';
import { baidu } from './rows/baidu.ts';
import { ceph, minio, plain, r2, wasabi } from './rows/compatible.ts';
import { google } from './rows/google.ts';
import { huaweicloud } from './rows/huaweicloud.ts';
import { kingsoft } from './rows/kingsoft.ts';
import { qingcloud } from './rows/qingcloud.ts';
import { qiniu } from './rows/qiniu.ts';
import { tencent } from './rows/tencent.ts';
import { ucloud } from './rows/ucloud.ts';

/**
 * The stores of the S3 family. A cloud's own row has its name. `S3` is any compatible server; the host,
 * or the operator, selects it or a row below it instead of `AWS`.
 */
export const s3Dialects = {
  AWS: aws,
  Aliyun: aliyun,
  Tencent: tencent,
  HuaweiCloud: huaweicloud,
  QingCloud: qingcloud,
  KingsoftCloud: kingsoft,
  Baidu: baidu,
  Qiniu: qiniu,
  UCloud: ucloud,
  Google: google,
  S3: plain,
  MinIO: minio,
  Ceph: ceph,
  R2: r2,
  Wasabi: wasabi,
} as const satisfies Record<string, S3Dialect>;

export type S3DialectName = keyof typeof s3Dialects;

/** Clouds with a row of their own. */
export type S3Cloud = S3DialectName & CloudType;

export function isS3Cloud(cloud: CloudType): cloud is S3Cloud {
  return Object.hasOwn(s3Dialects, cloud);
}

/** The rows that the host name selects between, where a cloud has more than its own. */
const rowsByHost: Readonly<Partial<Record<CloudType, readonly S3DialectName[]>>> = {
  AWS: ['AWS', 'R2', 'Wasabi'],
};

/** The row of a cloud's own host; a server under its name that matches none of them is plain S3. */
export function dialectAtHost(cloud: CloudType, hostname: string): S3DialectName {
  const rows = rowsByHost[cloud] ?? (isS3Cloud(cloud) ? [cloud] : []);
  return rows.find((name) => s3Dialects[name].ownHosts.test(hostname)) ?? 'S3';
}
