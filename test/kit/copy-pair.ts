import { unanswered } from '../../src/platform/stores/layers/unanswered.ts';
import type { Outcome } from '../../src/platform/model/outcome.ts';
import type {
  ObjectRead,
  Operation,
  PutOptions,
  PutReceipt,
  Store,
} from '../../src/platform/stores/store.ts';
import { StoreError } from '../../src/platform/model/store-error.ts';
import { around } from '../../src/platform/stores/layers/around.ts';
import { MemoryStore } from './memory-store.ts';
import { copyObject } from '../../src/domain/copy/copy-object.ts';
import type {
  CheckedPart,
  CopyJob,
  CopyPolicy,
  IntendedUpload,
  JournaledUpload,
  UploadJournal,
} from '../../src/domain/copy/transfer.ts';
import { ManualClock } from './manual-clock.ts';

export type JournalStep = 'intend' | 'opened' | 'checked' | 'abandoned' | 'ended';

/** The end of the process, as a copy sees it: everything stops in the middle. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** A journal that survives a crash, and can crash before a step is written. */
export class MemoryJournal implements UploadJournal {
  upload: JournaledUpload | undefined;
  crashBefore: { readonly step: JournalStep; readonly call: number } | undefined;
  readonly #calls = new Map<JournalStep, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  async find(): Promise<JournaledUpload | undefined> {
    return this.upload;
  }

  async intend(
    upload: Omit<IntendedUpload, 'optionsHash'> & { optionsHash?: string },
  ): Promise<void> {
    this.#step('intend');
    const begun = { uploadId: undefined, abandoned: false, startedAt: this.#now(), parts: [] };
    this.upload = { optionsHash: undefined, ...upload, ...begun };
  }

  async opened(uploadId: string): Promise<void> {
    this.#step('opened');
    if (this.upload !== undefined) this.upload = { ...this.upload, uploadId };
  }

  async checked(part: CheckedPart): Promise<void> {
    this.#step('checked');
    if (this.upload === undefined) return;
    this.upload = { ...this.upload, parts: [...this.upload.parts, part] };
  }

  async abandoned(): Promise<void> {
    this.#step('abandoned');
    if (this.upload !== undefined) this.upload = { ...this.upload, abandoned: true };
  }

  async ended(): Promise<void> {
    this.#step('ended');
    this.upload = undefined;
  }

  #step(step: JournalStep): void {
    const call = (this.#calls.get(step) ?? 0) + 1;
    this.#calls.set(step, call);
    const { crashBefore } = this;
    if (crashBefore?.step === step && crashBefore.call === call) throw new Crash(step);
  }
}

export const KEY = 'films/reel 1';
const signal = new AbortController().signal;

/** Small enough that a hundred bytes go in parts. */
export const sizes = { bufferBytes: 8, putBytes: 32, partBytes: 8, partConcurrency: 2 };

const policy: CopyPolicy = {
  overwriteMode: 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE',
  consistencyCheck: 'crc64',
  metadataMigration: true,
  storagePolicy: undefined,
  kms: false,
  restoreDays: undefined,
};

export interface PairOptions {
  readonly policy?: Partial<CopyPolicy>;
  /** Whether both stores know CRC-64. */
  readonly crc64?: boolean;
  /** Whether both stores report S3's CRC-64. */
  readonly crc64nvme?: boolean;
  /** Whether the reads of both name the class. */
  readonly readTellsClass?: boolean;
}

/** Two buckets in memory, a journal, and one key to copy from one to the other. */
export class CopyPair {
  readonly clock = new ManualClock();
  readonly journal = new MemoryJournal(() => this.clock.now());
  readonly source: MemoryStore;
  readonly target: MemoryStore;
  /** What a copy goes through, for faults and hooks. */
  sourceSeen: Store;
  targetSeen: Store;
  readonly uploadsLeft: unknown[] = [];
  readonly findings = { etagsAreNoMd5: false, partsNeedMd5: false };
  readonly #policy: CopyPolicy;
  #writeSent = false;

  constructor(options: PairOptions = {}) {
    const traits = {
      crc64: options.crc64 ?? true,
      crc64nvme: options.crc64nvme ?? false,
      readTellsClass: options.readTellsClass ?? true,
    };
    this.source = new MemoryStore({ name: 'memory:source', clock: this.clock, traits });
    this.target = new MemoryStore({ name: 'memory:target', clock: this.clock, traits });
    this.sourceSeen = this.source;
    this.targetSeen = this.target;
    this.#policy = { ...policy, ...options.policy };
  }

  /** Writes the source's object, in one put, or in parts so that its MD5 is not known. */
  async fill(bytes: Uint8Array, { inParts = false, ...options }: FillOptions = {}): Promise<void> {
    await write(this.source, bytes, { ...options, inParts });
    this.clock.time += 5_000;
  }

  job(options: Partial<CopyJob> = {}): CopyJob {
    return {
      key: KEY,
      source: this.sourceSeen,
      target: this.targetSeen,
      findings: this.findings,
      copiedEtag: undefined,
      targetDoubtful: false,
      unsettled: false,
      writeSent: false,
      recorded: undefined,
      uploading: this.journal.upload !== undefined,
      journal: this.journal,
      policy: this.#policy,
      sizes,
      lease: { signal, assertHeld: () => undefined },
      clock: this.clock,
      onUploadLeft: (error) => {
        if (error instanceof Crash) throw error;
        this.uploadsLeft.push(error);
      },
      ...options,
    };
  }

  copy(options: Partial<CopyJob> = {}): Promise<Outcome> {
    return copyObject(this.job(options));
  }

  /** An attempt that remembers whether it has written the target's object, or may have. */
  async #attempt(): Promise<Outcome> {
    const watched = unanswered(this.targetSeen);
    try {
      return await this.copy({ target: watched.store, writeSent: this.#writeSent });
    } finally {
      this.#writeSent ||= watched.sent();
    }
  }

  /** Tries again as the service does, as long as what failed may pass. */
  async copyPatiently(attempts = 5): Promise<Outcome> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt();
      } catch (error) {
        const again = error instanceof StoreError && error.transient;
        if (!again || attempt === attempts) throw error;
      }
    }
  }

  /** The bytes at the target. */
  get copied(): Uint8Array | undefined {
    return this.target.objects.get(KEY)?.bytes;
  }

  /** Whether neither the target nor the journal remembers an upload. */
  get clean(): boolean {
    return this.target.openUploads.size === 0 && this.journal.upload === undefined;
  }
}

export interface FillOptions extends PutOptions {
  readonly inParts?: boolean;
}

export async function write(
  store: Store,
  bytes: Uint8Array,
  { inParts = false, ...options }: FillOptions = {},
): Promise<void> {
  const body = { content: bytes, size: bytes.length };
  if (!inParts) {
    await store.put(KEY, body, options, signal);
    return;
  }
  const upload = await store.startParts(KEY, options, signal);
  const part = await upload.putPart(1, body, signal);
  await upload.complete([part], signal);
}

/** Bytes that differ everywhere. */
export function bytesOf(length: number, seed = 1): Uint8Array {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 31 + seed * 7) % 251));
}

/** A store that does something before a call of an operation, counted from 1. */
export function before(
  inner: Store,
  hooked: Operation,
  hook: (call: number) => void | Promise<void>,
): Store {
  let calls = 0;
  async function run<T>(operation: Operation, call: () => Promise<T>): Promise<T> {
    if (operation === hooked) await hook((calls += 1));
    return await call();
  }
  return around(inner, {
    call: (operation, _signal, call) => run(operation, call),
    read: (_signal, call): Promise<ObjectRead> => run('read', call),
  });
}

/** A store whose receipts are changed on the way back. */
export function lying(
  inner: Store,
  lie: (receipt: PutReceipt, operation: Operation) => Partial<PutReceipt>,
): Store {
  return around(inner, {
    async call(operation, _signal, call) {
      const answer = await call();
      if (operation !== 'put' && operation !== 'putPart' && operation !== 'complete') return answer;
      // These three answer with a receipt.
      return Object.assign({}, answer, lie(answer as PutReceipt, operation));
    },
    read: (_signal, call) => call(),
  });
}
