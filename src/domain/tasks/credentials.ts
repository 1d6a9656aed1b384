import { Secret, type Sealer } from '../../platform/base/seal.ts';
import { sealedContext } from '../sealed-kind.ts';
import type { SealedCredentials } from './tasks-table.ts';
import type { AccessKey } from '../../platform/signing/access-key.ts';
import type { TaskCredentials } from './sync/sync-task-service.ts';

/** Without a third where there is no key of a CDN: then it is as tasks were sealed before there were any. */
type Plain = readonly [source: PlainPair, target: PlainPair, cdnKey?: string];
type PlainPair = readonly [accessKeyId: string, secretAccessKey: string, sessionToken?: string];

/** Seals a task's credentials; they open for this task only. */
export function sealCredentials(
  sealer: Sealer,
  taskId: string,
  { source, target, cdnKey }: TaskCredentials,
): SealedCredentials {
  const pairs = [toPlain(source), toPlain(target)] as const;
  const plain: Plain = cdnKey === undefined ? pairs : [...pairs, cdnKey.reveal()];
  return {
    sealed: sealer.seal(JSON.stringify(plain), sealedContext('task', taskId)),
    keyId: sealer.keyId,
  };
}

/** @throws {SealError} when they were sealed by another key, or for another task. */
export function openCredentials(
  sealer: Sealer,
  taskId: string,
  { sealed }: SealedCredentials,
): TaskCredentials {
  // Only sealCredentials writes what opens here: the seal is authenticated.
  const plain = JSON.parse(sealer.open(sealed, sealedContext('task', taskId))) as Plain;
  const [source, target, cdnKey] = plain;
  return {
    source: fromPlain(source),
    target: fromPlain(target),
    cdnKey: cdnKey === undefined ? undefined : new Secret(cdnKey),
  };
}

function toPlain({ accessKeyId, secretAccessKey, sessionToken }: AccessKey): PlainPair {
  const pair = [accessKeyId, secretAccessKey.reveal()] as const;
  return sessionToken === undefined ? pair : [...pair, sessionToken.reveal()];
}

function fromPlain([accessKeyId, secretAccessKey, token]: PlainPair): AccessKey {
  const keys = { accessKeyId, secretAccessKey: new Secret(secretAccessKey) };
  return token === undefined ? keys : { ...keys, sessionToken: new Secret(token) };
}
