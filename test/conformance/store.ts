import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test, type TestOptions } from 'node:test';
import type { StorageTier } from '../../src/platform/model/storage-class.ts';
import type { Store, Traits } from '../../src/platform/stores/store.ts';
import type { PutBody } from '../../src/platform/http/bodies.ts';
import type { Ability } from '../kit/matrix/abilities.ts';
import { proves } from '../kit/matrix/proves.ts';
import { listingPromises } from './listing.ts';
import { namePromises } from './names.ts';
import { putPromises } from './puts.ts';
import { readPromises } from './reads.ts';
import { uploadPromises } from './uploads.ts';

/** A bucket for one run of the promises. Disposing of it closes the store. */
export interface TestBucket extends AsyncDisposable {
  readonly store: Store;
  /** As `copy` names it. */
  readonly bucket: string;
  /** Where the server has an archive. */
  readonly archive?: TestArchive | undefined;
}

export interface TestArchive {
  /** Objects put with it are archived at once. */
  readonly tier: StorageTier;
  /** Ends the thawing that a restore has begun. */
  readonly thaw: (key: string) => void;
}

export interface Harness {
  /** Opens a bucket. It may hold other objects: all keys of a run begin alike. */
  readonly open: () => Promise<TestBucket>;
  /** Why these tests cannot run here; they are then reported as skipped. */
  readonly unavailable?: string | undefined;
  /** Promises that this server breaks, with the reason: reported as skipped, never left out. */
  readonly exceptions?: Readonly<Record<string, string>>;
  /** The series that its proofs belong to, for the matrix of clouds. */
  readonly series?: TestOptions;
}

/** What a promise is tried on. */
export interface Trial {
  readonly store: Store;
  readonly bucket: string;
  readonly archive: TestArchive | undefined;
  readonly signal: AbortSignal;
  /** What all keys of the run begin with; ends with a slash. */
  readonly prefix: string;
}

export interface PromiseOptions {
  /** A trait without which the promise is not given. */
  readonly needs?: keyof { [K in keyof Traits as Traits[K] extends boolean ? K : never]: true };
  readonly needsArchive?: boolean;
}

/** States a promise, which ability it proves, and how to try it. */
export type GivePromise = (
  proven: Ability | readonly Ability[],
  text: string,
  keep: (trial: Trial) => Promise<void>,
  options?: PromiseOptions,
) => void;

/** Everything `store.ts` promises, said once. Every adapter, every layer and every fake runs it. */
export function testStore(
  name: string,
  { open, unavailable, exceptions = {}, series = {} }: Harness,
): void {
  describe(`${name} keeps the promises of Store`, { ...series, skip: unavailable ?? false }, () => {
    const prefix = `conformance-${randomUUID().slice(0, 8)}/`;
    const given = new Set<string>();
    let bucket: TestBucket | undefined;
    before(async () => {
      bucket = await open();
    });
    after(async () => {
      if (bucket === undefined) return;
      await removeAll(bucket.store, prefix);
      await bucket[Symbol.asyncDispose]();
    });

    const promise: GivePromise = (proven, text, keep, { needs, needsArchive = false } = {}) => {
      given.add(text);
      const options = { ...proves(proven), skip: exceptions[text] ?? false, timeout: 60_000 };
      test(text, options, async (t) => {
        assert.ok(bucket !== undefined);
        const { store, archive } = bucket;
        if (needs !== undefined && !store.traits[needs]) t.skip(`not a trait of it: ${needs}`);
        else if (needsArchive && archive === undefined) t.skip('the server has no archive');
        else await keep({ store, bucket: bucket.bucket, archive, signal: t.signal, prefix });
      });
    };

    namePromises(promise);
    listingPromises(promise);
    readPromises(promise);
    putPromises(promise);
    uploadPromises(promise);

    test('each exception names a promise', () => {
      for (const text of Object.keys(exceptions)) assert.ok(given.has(text), text);
    });
  });
}

/** Removes everything that a run has written, whatever has failed. */
async function removeAll(store: Store, prefix: string): Promise<void> {
  const { signal } = new AbortController();
  for (;;) {
    const { entries } = await store.list({ prefix, anyOrder: true }, signal);
    if (entries.length === 0) return;
    await store.remove(entries, signal);
  }
}

/** Makes a body from bytes in memory. */
export function bodyOf(content: string | Uint8Array): PutBody {
  const bytes = Buffer.from(content);
  return { content: bytes, size: bytes.length };
}

/** Makes bytes that differ from position to position, so that a misplaced piece is detected. */
export function patterned(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  return bytes;
}

/** Chunks of a stream, one after the other. */
export async function* streamed(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

export async function textAt({ store, signal }: Trial, key: string): Promise<string> {
  const { body } = await store.read(key, {}, signal);
  return Buffer.from(await body.bytes()).toString();
}

/** That a call rejects with a StoreError of this fault. */
export async function rejectsWith(fault: string, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, { name: 'StoreError', fault });
}
