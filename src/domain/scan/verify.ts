import { eachConcurrently } from '../../platform/base/concurrently.ts';
import type { ObjectEntry, ObjectHead } from '../../platform/model/object.ts';
import { StoreError } from '../../platform/model/store-error.ts';
import { comparableCrc, differingKinds, checksumNames } from '../../platform/model/checksums.ts';
import { isStrongTag, recordedTag, sameTag } from '../../platform/stores/pin.ts';
import type { Store } from '../../platform/stores/store.ts';
import type { RecordedCopy } from '../queue/recorded-copies.ts';
import { compareBytes, isSampled, type Sample, SAMPLED_BYTES, SAMPLED_OBJECTS } from './deep.ts';
import type { Examine, Examined } from './examine.ts';
import { type Both, haveBoth, type Pair } from './listing.ts';

export interface VerifyOptions {
  readonly source: Store;
  readonly target: Store;
  /** The last proven copies of some keys. */
  readonly recorded: (keys: readonly string[]) => Promise<ReadonlyMap<string, RecordedCopy>>;
  /** How often the first pair was tried before: a pair that fails too often is reported as unreadable. */
  readonly attempts: number;
  /** Undefined: no bytes are read. */
  readonly sample?: Sample | undefined;
}

/** A look at the objects of a pair that listings and records could not settle. */
type Look = (both: Both, signal: AbortSignal) => Promise<Examined>;

const LOOKS_AT_ONCE = 8;
/** A passing fault of one object holds up its range so often; then the object counts as unreadable. */
const ATTEMPTS_MAX = 5;

const byChecksum: Examined = { comparison: 'equal', tally: { equalChecksum: 1 } };
const byRecord: Examined = { comparison: 'equal', tally: { equalRecorded: 1 } };
const bySizeAndTime: Examined = { comparison: 'equal', tally: { equalSizeTime: 1 } };

/**
 * Examines pairs by what is cheapest: both listings, the record of the last copy, and HEAD requests only where two ETags
 * that may be MD5s differ, which a key service's encryption can cause as well as a damaged object. The bytes of those in
 * the sample are read.
 */
export function verifying(options: VerifyOptions): Examine {
  let { attempts } = options;
  return async (all, signal) => {
    const pairs = all.slice(0, pieceEnd(all, options.sample));
    const settled = pairs.map((pair) => byListings(pair, options));
    await settleByRecords(pairs, settled, options);
    const looks = new Map<number, Look>();
    for (const [index, pair] of pairs.entries()) {
      if (!haveBoth(pair)) continue;
      const look = lookOf(pair, settled[index], options);
      if (typeof look === 'function') looks.set(index, look);
      else settled[index] = look;
    }
    const end = await lookAtEach({ pairs, settled, looks, attempts }, signal);
    attempts = 1;
    return settled.slice(0, end).filter((one) => one !== undefined);
  };
}

/** How many of the pairs are worth a transaction: those that are read are the fewer, the larger they are. */
function pieceEnd(pairs: readonly Pair[], sample: Sample | undefined): number {
  if (sample === undefined) return pairs.length;
  let [objects, bytes] = [0, 0];
  for (const [index, pair] of pairs.entries()) {
    if (!isRead(pair, sample)) continue;
    if (objects >= SAMPLED_OBJECTS || bytes >= SAMPLED_BYTES) return index;
    objects += 1;
    bytes += pair.source.size;
  }
  return pairs.length;
}

function isRead(pair: Pair, sample: Sample | undefined): pair is Both {
  const same = haveBoth(pair) && pair.source.size === pair.target.size;
  return same && sample !== undefined && isSampled(pair.key, sample.share);
}

/** What settles a pair, or the look that does. */
function lookOf(
  both: Both,
  settled: Examined | undefined,
  options: VerifyOptions,
): Examined | Look {
  const { sample } = options;
  const unread = settled ?? (haveOtherMd5s(both, options) ? byHeads(options) : bySizes(both));
  if (sample === undefined || !isRead(both, sample)) return unread;
  return async (read, signal) => {
    const found = await compareBytes(options, read, sample, signal);
    return found ?? (typeof unread === 'function' ? await unread(read, signal) : unread);
  };
}

/** What the listings alone prove; undefined where they do not. */
function byListings(pair: Pair, sides: VerifyOptions): Examined | undefined {
  if (pair.source === undefined) return { comparison: 'extra' };
  if (pair.target === undefined) return { comparison: 'missing' };
  const { source, target } = pair;
  if (source.size !== target.size) return { comparison: 'different', reason: 'size' };
  if (!listChecksums(sides)) return undefined;
  const etag = bare(source.etag);
  return etag === bare(target.etag) && MD5_OR_PARTS.test(etag) ? byChecksum : undefined;
}

const MD5 = /^[\da-f]{32}$/;
const MD5_OR_PARTS = /^[\da-f]{32}(?:-\d+)?$/;

function listChecksums({ source, target }: VerifyOptions): boolean {
  return source.traits.listsChecksums && target.traits.listsChecksums;
}

function bare(etag: string): string {
  return etag.replaceAll('"', '').toLowerCase();
}

async function settleByRecords(
  pairs: readonly Pair[],
  settled: (Examined | undefined)[],
  { recorded }: VerifyOptions,
): Promise<void> {
  const open = pairs.filter((_, index) => settled[index] === undefined);
  const copies = await recorded(open.map(({ key }) => key));
  for (const [index, pair] of pairs.entries()) {
    const copy = settled[index] === undefined ? copies.get(pair.key) : undefined;
    if (copy !== undefined && isAsCopied(pair, copy)) settled[index] = byRecord;
  }
}

function isAsCopied({ source, target }: Pair, copy: RecordedCopy): boolean {
  if (source === undefined || target === undefined) return false;
  const sourceIs =
    copy.sourceEtag === recordedTag(source) ||
    (isStrongTag(source.etag) && sameTag(source.etag, copy.sourceEtag));
  return sourceIs && isStrongTag(target.etag) && sameTag(target.etag, copy.targetEtag);
}

function haveOtherMd5s({ source, target }: Both, sides: VerifyOptions): boolean {
  const etags = [bare(source.etag), bare(target.etag)] as const;
  return listChecksums(sides) && etags.every((etag) => MD5.test(etag)) && etags[0] !== etags[1];
}

/** The weakest proof. A copy is younger than its source. */
function bySizes({ source, target }: Both): Examined {
  return source.lastModified > target.lastModified
    ? { comparison: 'different', reason: 'time' }
    : bySizeAndTime;
}

/** A head shows the encryption, and so whether an ETag is an MD5; it may also have other checksums. */
function byHeads({ source, target }: VerifyOptions): Look {
  return async (both, signal) => {
    const heads = await Promise.all([
      headOf(source, both.source, signal),
      headOf(target, both.target, signal),
    ]);
    const tally = { heads: 2 };
    const found = byChecksums(both, heads);
    return { ...found, tally: { ...found.tally, ...tally } };
  };
}

/** @returns Undefined where the object is no longer the one that was listed. */
async function headOf(
  store: Store,
  entry: ObjectEntry,
  signal: AbortSignal,
): Promise<ObjectHead | undefined> {
  try {
    const head = await store.head(entry.key, signal);
    return sameTag(head.etag, entry.etag) ? head : undefined;
  } catch (error) {
    if (error instanceof StoreError && error.fault === 'not-found') return undefined;
    throw error;
  }
}

function byChecksums(
  both: Both,
  [source, target]: readonly [ObjectHead | undefined, ObjectHead | undefined],
): Examined {
  if (source === undefined || target === undefined) return bySizes(both);
  const [kind] = differingKinds(source, target);
  if (kind === undefined) {
    return comparableCrc(source, target) === undefined ? bySizes(both) : byChecksum;
  }
  return {
    comparison: 'different',
    reason: 'checksum',
    sourceChecksum: `${checksumNames[kind]} ${source[kind]}`,
    targetChecksum: `${checksumNames[kind]} ${target[kind]}`,
  };
}

/**
 * Takes the looks that are left, several at once. Where a store passingly does not answer, what comes before is examined
 * and the rest is not; the first pair then fails the range, which is tried again later.
 *
 * @returns How many pairs are examined.
 */
async function lookAtEach(
  work: {
    readonly pairs: readonly Pair[];
    readonly settled: (Examined | undefined)[];
    readonly looks: ReadonlyMap<number, Look>;
    readonly attempts: number;
  },
  signal: AbortSignal,
): Promise<number> {
  const { pairs, settled, looks, attempts } = work;
  let end = pairs.length;
  let failure: StoreError | undefined;
  await eachConcurrently(looks, { concurrency: LOOKS_AT_ONCE, signal }, async ([index, look]) => {
    const pair = pairs[index];
    if (pair === undefined || !haveBoth(pair) || index >= end) return;
    try {
      settled[index] = await look(pair, signal);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (!error.transient || (index === 0 && attempts >= ATTEMPTS_MAX)) {
        settled[index] = unreadable(error);
      } else if (index < end) {
        [end, failure] = [index, error];
      }
    }
  });
  if (end === 0 && failure !== undefined) throw failure;
  return end;
}

function unreadable({ fault, message }: StoreError): Examined {
  const tally = { unreadable: 1 };
  return { comparison: 'unreadable', reason: fault, message: message.replaceAll('\0', ''), tally };
}
