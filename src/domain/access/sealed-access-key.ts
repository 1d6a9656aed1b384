import { Secret, type Sealer } from '../../platform/base/seal.ts';
import { sealedContext } from '../sealed-kind.ts';

/** Seals the secret of an access key; it opens for this key only. */
export function sealAccessKey(
  sealer: Sealer,
  id: string,
  secret: Secret,
): { readonly sealedSecret: Uint8Array; readonly sealingKeyId: string } {
  return {
    sealedSecret: sealer.seal(secret.reveal(), sealedContext('access key', id)),
    sealingKeyId: sealer.keyId,
  };
}

/** @throws {SealError} when it was sealed by another key, or for another access key. */
export function openAccessKey(sealer: Sealer, id: string, sealed: Uint8Array): Secret {
  return new Secret(sealer.open(sealed, sealedContext('access key', id)));
}
