import { createHash } from 'node:crypto';
import { StoreError } from '../store-error.ts';
import { namespaceOf } from './documents.ts';
import type { RestoreFacts, RestoreTerms } from './dialect.ts';
import { ownHeader } from './head.ts';
import type { S3Request, S3Wire } from './wire.ts';

/** Asks for an object to be thawed, on the terms of its class. */
export async function restoreObject(
  wire: S3Wire,
  key: string,
  days: number,
  signal: AbortSignal,
): Promise<{ readonly checkAfterMs: number }> {
  const { restore } = wire.dialect;
  if (restore === undefined) {
    const cloudMessage = 'nothing here needs to be restored';
    throw new StoreError('unsupported', {
      store: wire.name,
      operation: 'restore',
      key,
      cloudMessage,
    });
  }
  const terms = await termsOf(wire, restore, key, signal);
  try {
    const reply = await wire.send(restoreRequest(wire, restore, key, terms, days), signal);
    reply.body.discard();
  } catch (error) {
    const code = error instanceof StoreError ? error.details.cloudCode : undefined;
    if (code === undefined || !alreadyThawed.has(code)) throw error;
  }
  return { checkAfterMs: terms.checkAfterMs };
}

const alreadyThawed: ReadonlySet<string> = new Set([
  'RestoreAlreadyInProgress',
  'ObjectHasAlreadyRestored', // OBS, when asked for fewer days than the object has left.
]);

/** By a look at the object, where its class matters: one request more, for hours of waiting. */
async function termsOf(
  wire: S3Wire,
  { classes, otherwise }: RestoreFacts,
  key: string,
  signal: AbortSignal,
): Promise<RestoreTerms> {
  if (classes.size === 0) return otherwise;
  const { headers } = await wire.send({ operation: 'restore', method: 'HEAD', key }, signal);
  const storageClass = ownHeader(headers, wire.dialect, 'storage-class');
  return classes.get(storageClass ?? '') ?? otherwise;
}

function restoreRequest(
  { dialect }: S3Wire,
  { request }: RestoreFacts,
  key: string,
  { daysMax, tier }: RestoreTerms,
  daysAsked: number,
): S3Request {
  const common = { operation: 'restore', method: 'POST', key, query: 'restore=' } as const;
  const days = daysMax === undefined ? undefined : Math.min(daysAsked, daysMax);
  if (request === 'headers') {
    const headers: string[] = [];
    if (days !== undefined) headers.push(`${dialect.headerPrefix}restore-days`, days.toString());
    if (tier !== undefined) headers.push(`${dialect.headerPrefix}restore-tier`, tier);
    return { ...common, headers };
  }
  const forDays = days === undefined ? '' : `<Days>${days}</Days>`;
  const atTier = tier === undefined ? '' : `<${request}><Tier>${tier}</Tier></${request}>`;
  const content = Buffer.from(
    `<RestoreRequest${namespaceOf(dialect)}>${forDays}${atTier}</RestoreRequest>`,
  );
  const md5 = createHash('md5').update(content).digest('base64');
  const headers = ['content-type', 'application/xml', 'content-md5', md5];
  return { ...common, headers, content, size: content.length };
}
