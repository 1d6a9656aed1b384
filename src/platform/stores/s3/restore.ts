import { createHash } from 'node:crypto';
import type { HttpReply } from '../../http/http.ts';
import { StoreError, type StoreErrorDetails } from '../../model/store-error.ts';
import { namespaceOf } from './documents.ts';
import type { RestoreFacts, RestoreTerms, S3Dialect } from './dialect.ts';
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
  const { terms, thawing } = await lookAt(wire, restore, key, signal);
  const { checkAfterMs } = terms;
  if (thawing) return { checkAfterMs };
  try {
    const reply = await wire.send(restoreRequest(wire, restore, key, terms, days), signal);
    reply.body.discard();
  } catch (error) {
    if (!(error instanceof StoreError) || !isAskedAlready(error.details)) throw error;
  }
  return { checkAfterMs };
}

/** Every cloud says it with this status; their codes differ. */
const CONFLICT = 409;
const alreadyRestored: ReadonlySet<string> = new Set([
  'RestoreAlreadyInProgress',
  'ObjectHasAlreadyRestored', // OBS, when the request is for fewer days than the object has left.
]);

function isAskedAlready({ status, cloudCode }: StoreErrorDetails): boolean {
  return status === CONFLICT || alreadyRestored.has(cloudCode ?? '');
}

/**
 * Looks at the object where its class matters: one more request, compared with hours of waiting.
 * Often it saves one: COS accepts 100 restores a second, so a restore in progress is not requested again.
 */
async function lookAt(
  wire: S3Wire,
  { classes, otherwise }: RestoreFacts,
  key: string,
  signal: AbortSignal,
): Promise<{ readonly terms: RestoreTerms; readonly thawing: boolean }> {
  if (classes.size === 0) return { terms: otherwise, thawing: false };
  const { headers } = await wire.send({ operation: 'restore', method: 'HEAD', key }, signal);
  const storageClass = ownHeader(headers, wire.dialect, 'storage-class');
  const terms = classes.get(storageClass ?? '') ?? otherwise;
  return { terms, thawing: isOngoing(headers, wire.dialect, 'true') };
}

/** What a store reports about an object whose restore was requested. */
function isOngoing(
  headers: HttpReply['headers'],
  dialect: S3Dialect,
  whether: 'true' | 'false',
): boolean {
  const value = ownHeader(headers, dialect, 'restore') ?? '';
  return value.includes(`ongoing-request="${whether}"`);
}

/**
 * Whether a read was denied because the object is archived, by a look at it: for stores whose
 * refusal has no code of its own. A look that is refused, too, says nothing.
 */
export async function isArchivedThere(
  wire: S3Wire,
  key: string,
  signal: AbortSignal,
): Promise<boolean> {
  const { dialect } = wire;
  try {
    const { headers } = await wire.send({ operation: 'read', method: 'HEAD', key }, signal);
    const storageClass = ownHeader(headers, dialect, 'storage-class') ?? '';
    const archived = dialect.classes.get(storageClass)?.archived === true;
    return archived && !isOngoing(headers, dialect, 'false');
  } catch (error) {
    if (!(error instanceof StoreError) || error.repeatable) throw error;
    return false;
  }
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
