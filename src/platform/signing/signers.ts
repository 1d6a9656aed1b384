import type { AccessKey } from './access-key.ts';
import { AwsV4Signer } from './aws-v4.ts';
import { BceV1Signer } from './bce-v1.ts';
import { CosSigner } from './cos.ts';
import { OssV4Signer } from './oss-v4.ts';
import type { Signer } from './request.ts';

export interface SignerOptions {
  readonly key: AccessKey;
  readonly region: string;
}

/** The schemes of the S3 family, by the names that rows of facts call them. */
const signers = {
  'aws-v4': ({ key, region }) => new AwsV4Signer(key, { region, service: 's3' }),
  'oss-v4': ({ key, region }) => new OssV4Signer(key, region),
  'cos': ({ key }) => new CosSigner(key),
  'bce-v1': ({ key }) => new BceV1Signer(key),
} as const satisfies Record<string, (options: SignerOptions) => Signer>;

export type Signature = keyof typeof signers;

export function signerOf(signature: Signature, options: SignerOptions): Signer {
  return signers[signature](options);
}
