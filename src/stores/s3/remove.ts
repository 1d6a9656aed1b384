import { createHash } from 'node:crypto';
import { escapeXml, fitsXml } from '../../base/xml.ts';
import { StoreError } from '../store-error.ts';
import { faultOfKey } from '../keys.ts';
import { codeAndMessage, refusalError } from './refusal.ts';
import type { S3Wire } from './wire.ts';

/** Removes keys in as few requests as may be; the first key that is not removed is the error. */
export async function removeKeys(
  wire: S3Wire,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  for (const key of keys) {
    const mistake = faultOfKey(key);
    if (mistake === undefined) continue;
    throw new StoreError('refused', {
      store: wire.name,
      operation: 'remove',
      key,
      cloudMessage: mistake,
    });
  }
  // XML cannot say every key; the path of a request can.
  const inBatches = keys.length === 1 ? [] : keys.filter(fitsXml);
  const singly = keys.length === 1 ? keys : keys.filter((key) => !fitsXml(key));
  const { deleteBatchMax } = wire.dialect;
  for (let at = 0; at < inBatches.length; at += deleteBatchMax) {
    await removeBatch(wire, inBatches.slice(at, at + deleteBatchMax), signal);
  }
  for (const key of singly) await removeOne(wire, key, signal);
}

async function removeOne(wire: S3Wire, key: string, signal: AbortSignal): Promise<void> {
  try {
    const reply = await wire.send({ operation: 'remove', method: 'DELETE', key }, signal);
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
  const objects = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`).join('');
  const content = Buffer.from(
    `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${objects}</Delete>`,
  );
  const { root, headers } = await wire.ask(
    {
      operation: 'remove',
      method: 'POST',
      query: 'delete=',
      headers: [
        'content-type',
        'application/xml',
        'content-md5',
        createHash('md5').update(content).digest('base64'),
      ],
      content,
      size: content.length,
    },
    'DeleteResult',
    signal,
  );
  for (const element of root.all('Error')) {
    const refusal = { status: 200, headers, ...codeAndMessage(element) };
    const key = element.textOf('Key');
    const error = refusalError(refusal, { store: wire.name, operation: 'remove', key }, wire);
    if (error.fault !== 'not-found') throw error;
  }
}
