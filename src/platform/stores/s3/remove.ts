import { createHash } from 'node:crypto';
import { StoreError } from '../../model/store-error.ts';
import type { Removal } from '../store.ts';
import { mistakeInKey } from './key.ts';
import { refusalError, refusalOf } from './refusal.ts';
import type { S3Wire } from './wire.ts';

/**
 * Removes objects in as few requests as may be; the first that is not removed is the error. One with a
 * condition has a request of its own.
 */
export async function removeObjects(
  wire: S3Wire,
  removals: readonly Removal[],
  signal: AbortSignal,
): Promise<void> {
  for (const { key } of removals) {
    const mistake = mistakeInKey(key, wire.dialect);
    if (mistake === undefined) continue;
    throw new StoreError('refused', {
      store: wire.name,
      operation: 'remove',
      key,
      cloudMessage: mistake,
    });
  }
  const { deleteBatchMax } = wire.dialect;
  // XML cannot say every key; the path of a request can.
  const { fits } = wire.documents;
  const one = removals.length === 1 || deleteBatchMax === 1;
  const isSingle = ({ key, ifMatch }: Removal) => one || ifMatch !== undefined || !fits(key);
  const inBatches = removals.filter((each) => !isSingle(each)).map(({ key }) => key);
  for (let at = 0; at < inBatches.length; at += deleteBatchMax) {
    await removeBatch(wire, inBatches.slice(at, at + deleteBatchMax), signal);
  }
  for (const each of removals.filter(isSingle)) await removeOne(wire, each, signal);
}

async function removeOne(
  wire: S3Wire,
  { key, ifMatch }: Removal,
  signal: AbortSignal,
): Promise<void> {
  const headers = ifMatch === undefined ? [] : ['if-match', ifMatch];
  try {
    const reply = await wire.send({ operation: 'remove', method: 'DELETE', key, headers }, signal);
    reply.body.discard();
  } catch (error) {
    if (!(error instanceof StoreError) || error.fault !== 'not-found') throw error;
  }
}

async function removeBatch(
  wire: S3Wire,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const content = Buffer.from(wire.documents.deletion(keys));
  const { root, headers } = await wire.ask(
    {
      operation: 'remove',
      method: 'POST',
      query: 'delete=',
      headers: [
        'content-type',
        wire.documents.contentType,
        'content-md5',
        createHash('md5').update(content).digest('base64'),
      ],
      content,
      size: content.length,
      emptyAnswer: wire.documents.nothing,
    },
    'DeleteResult',
    signal,
  );
  for (const element of root.all('Error')) {
    const refusal = refusalOf({ status: 200, headers }, element);
    const key = element.textOf('Key');
    const error = refusalError(refusal, { store: wire.name, operation: 'remove', key }, wire);
    if (error.fault !== 'not-found') throw error;
  }
}
