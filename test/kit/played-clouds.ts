import type { S3DialectName } from '../../src/platform/stores/s3/dialects.ts';
import type { DialectName } from './s3-server/dialects.ts';

/** A cloud, and the row of the server that plays it. */
export interface PlayedCloud {
  readonly server: DialectName;
  readonly region: string;
  readonly bucket: string;
}

const bucket = 'bucket';

/** Every row of the product has its server here: a new one does not compile without. */
export const playedClouds: Readonly<Record<S3DialectName, PlayedCloud>> = {
  AWS: { server: 's3', region: 'eu-west-1', bucket },
  Aliyun: { server: 'oss', region: 'cn-hangzhou', bucket },
  Tencent: { server: 'cos', region: 'ap-beijing', bucket: 'bucket-1250000000' },
  HuaweiCloud: { server: 'obs', region: 'cn-north-4', bucket },
  QingCloud: { server: 'qingstor', region: 'pek3a', bucket },
  KingsoftCloud: { server: 'ks3', region: 'cn-beijing', bucket },
  Baidu: { server: 'bos', region: 'bj', bucket },
  Qiniu: { server: 'qiniu', region: 'cn-east-1', bucket },
  UCloud: { server: 'us3', region: 'cn-bj', bucket },
  Google: { server: 'gcs', region: 'auto', bucket },
  S3: { server: 's3', region: 'us-east-1', bucket },
  MinIO: { server: 'minio', region: 'us-east-1', bucket },
  Ceph: { server: 'ceph', region: 'default', bucket },
  R2: { server: 'r2', region: 'auto', bucket },
  Wasabi: { server: 'wasabi', region: 'us-east-1', bucket },
};

export const s3DialectNames = Object.keys(playedClouds) as readonly S3DialectName[];
