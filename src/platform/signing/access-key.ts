import type { Secret } from '../base/seal.ts';

/** Identifies the caller of a cloud: what the cloud calls an access key or an account. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  /** Of temporary credentials. */
  readonly sessionToken?: Secret | undefined;
}
