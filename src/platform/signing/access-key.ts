import type { Secret } from '../base/seal.ts';

/** Who asks a cloud, by what it calls an access key or an account. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  /** Of temporary credentials. */
  readonly sessionToken?: Secret | undefined;
}
