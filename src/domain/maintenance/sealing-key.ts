import { SealError, type Sealer } from '../../platform/base/seal.ts';
import type { Database } from '../../platform/postgres/db.ts';
import {
  keepSealingKey,
  replaceSealed,
  replaceSealingKey,
  type SealedValue,
  sealedByOthers,
} from './sealing-key-table.ts';
import type { SealedKind } from '../sealed-kind.ts';
import { sealedContext } from '../sealed-kind.ts';

/** A database in which something is sealed by a key that is not given. */
export class WrongSealingKey extends Error {
  override readonly name = 'WrongSealingKey';
}

interface Sealed {
  readonly database: Database;
  readonly sealer: Sealer;
}

/**
 * Makes sure that everything in the database opens with the keys of this process.
 *
 * @param alone No other process can be at work: where nothing is sealed, another key may take over.
 * @throws {WrongSealingKey}
 */
export async function checkSealingKey({
  database,
  sealer,
  alone,
}: Sealed & { readonly alone: boolean }): Promise<void> {
  const kept = await keepSealingKey(database, { keyId: sealer.keyId, mayReplace: alone });
  const [stranger] = await sealedByOthers(database, sealer.keyIds, 1);
  if (stranger === undefined && sealer.keyIds.includes(kept)) return;
  throw new WrongSealingKey(
    'the credentials in the database are sealed by another key. Give the key that sealed them ({settings.secretKey}, or secret.key in the data directory); during a change of keys, the old one in {settings.oldSecretKeys}.',
  );
}

const BATCH = 100;

/**
 * Reseals, by the first key of `sealer`, every value that another of its keys sealed. Each value is
 * replaced by itself, so that this can stop anywhere, and be repeated, while the service works.
 *
 * @returns How many were resealed.
 * @throws {WrongSealingKey} when a value opens with none of the keys; all before it are resealed.
 */
export async function resealAll({ database, sealer }: Sealed): Promise<Record<SealedKind, number>> {
  const counts = { task: 0, 'access key': 0 };
  for (;;) {
    const batch = await sealedByOthers(database, [sealer.keyId], BATCH);
    if (batch.length === 0) break;
    for (const value of batch) {
      const sealed = reseal(sealer, value);
      // If a start of the task has replaced it meanwhile, the next round checks by which key.
      const done = await replaceSealed(database, value, { sealed, keyId: sealer.keyId });
      if (done) counts[value.kind] += 1;
    }
  }
  // Last: until here a process of the old key alone is right to start.
  await replaceSealingKey(database, sealer.keyId);
  return counts;
}

function reseal(sealer: Sealer, { kind, id, sealed }: SealedValue): Uint8Array {
  const context = sealedContext(kind, id);
  try {
    return sealer.seal(sealer.open(sealed, context), context);
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause;
    const message = `what is sealed for ${kind} ${id} opens with none of the keys; delete it, or give its key in {settings.oldSecretKeys}`;
    throw new WrongSealingKey(message, { cause });
  }
}
