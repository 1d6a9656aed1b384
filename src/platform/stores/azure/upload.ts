import { base64OfHex, headerOf } from '../../http/headers.ts';
import { orLetGo } from '../../http/let-go.ts';
import { existsInstead } from '../refusals.ts';
import type {
  OpenUpload,
  Operation,
  PartReceipt,
  PartUpload,
  PutOptions,
  PutReceipt,
  Traits,
  UploadedPart,
} from '../store.ts';
import type { PutBody } from '../../http/bodies.ts';
import { StoreError } from '../../model/store-error.ts';
import { ABORTED, blockIdOf, readBlockId, STARTED, startedAtOf } from './block-ids.ts';
import { openBlocks, type WaitingBlock } from './blocks.ts';
import { receiptOf } from './head.ts';
import { azurePutHeaders } from './put-headers.ts';
import type { AzureRequest, AzureWire } from './wire.ts';

/** A part as it is known from its number and its ETag, which is the block's ID. */
interface NamedPart {
  readonly number: number;
  readonly etag: string;
}

/** Where the bytes of a block come from, when they do not pass through here. */
interface BlockSource {
  /** With what authorizes its reading. */
  readonly url: string;
  readonly range: string;
  readonly ifMatch: string;
}

/**
 * An upload that consists only of the IDs of its blocks; `complete` sends what describes the object.
 * Any other commit under the key in the meantime removes all waiting blocks.
 */
export class AzureUpload implements PartUpload {
  readonly id: string;
  readonly #wire: AzureWire;
  readonly #traits: Traits;
  readonly #key: string;
  readonly #options: PutOptions;
  #lastPutAt = 0;
  #ended = false;
  #detached = false;

  constructor(
    { wire, traits }: { readonly wire: AzureWire; readonly traits: Traits },
    key: string,
    id: string,
    options: PutOptions,
  ) {
    this.#wire = wire;
    this.#traits = traits;
    this.#key = key;
    this.id = id;
    this.#options = options;
  }

  /** Makes the upload known to the service; says at once what it would refuse at the end. */
  async start(signal: AbortSignal): Promise<void> {
    this.#putHeaders('startParts');
    await this.#putMark('startParts', STARTED, signal);
  }

  async putPart(number: number, body: PutBody, signal: AbortSignal): Promise<PartReceipt> {
    const headers = body.md5 === undefined ? undefined : ['content-md5', base64OfHex(body.md5)];
    const { content, size } = body;
    return await orLetGo(body, () => this.#putBlock(number, { headers, content, size }, signal));
  }

  /** As `putPart`, with bytes of another blob. */
  copyPart(number: number, source: BlockSource, signal: AbortSignal): Promise<PartReceipt> {
    const { url, range, ifMatch } = source;
    const headers = ['x-ms-copy-source', url, 'x-ms-source-range', range];
    headers.push('x-ms-source-if-match', ifMatch);
    return this.#putBlock(number, { headers, slow: true }, signal);
  }

  async listParts(signal: AbortSignal): Promise<UploadedPart[]> {
    const blocks = this.#ended ? undefined : await this.#blocks('listParts', signal);
    if (blocks === undefined) throw this.#error('not-found', 'listParts');
    const last = new Map<number, WaitingBlock>();
    for (const block of blocks) {
      const before = last.get(block.number);
      if (before === undefined || before.putAt < block.putAt) last.set(block.number, block);
    }
    last.delete(STARTED);
    return [...last.values()]
      .sort((a, b) => a.number - b.number)
      .map(({ number, size, id }) => ({ number, size, etag: id }));
  }

  async complete(parts: readonly NamedPart[], signal: AbortSignal): Promise<PutReceipt> {
    signal.throwIfAborted();
    const headers = this.#putHeaders('complete');
    if (parts.length === 0) throw this.#error('refused', 'complete', 'an upload without parts');
    for (const [at, part] of parts.entries()) {
      const named = readBlockId(part.etag);
      const own = named?.uploadId === this.id && named.number === part.number;
      if (own && part.number > (parts[at - 1]?.number ?? STARTED)) continue;
      throw this.#error('corrupt', 'complete', `part ${part.number} is not of this upload`);
    }
    const list = parts.map(({ etag }) => `<Uncommitted>${etag}</Uncommitted>`).join('');
    const content = Buffer.from(
      `<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`,
    );
    const request: AzureRequest = {
      operation: 'complete',
      method: 'PUT',
      key: this.#key,
      query: { comp: 'blocklist' },
      headers: ['content-type', 'application/xml', ...headers],
      content,
      size: content.length,
      slow: true,
    };
    const reply = await this.#commit(request, signal);
    this.#ended = true;
    const etag = headerOf(reply.headers, 'etag');
    if (etag === undefined) throw this.#wire.badReply(request, 'an object without an ETag');
    // The checksums of that answer are of the list, not of the object.
    return { ...receiptOf(etag, reply.headers), md5: undefined, crc64nvme: undefined };
  }

  detach(): void {
    this.#detached = true;
  }

  async abort(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    // A mark under a key without its blocks would only be one more that waits for its end.
    const open = !this.#ended && (await this.#blocks('abort', signal)) !== undefined;
    if (open) await this.#putMark('abort', ABORTED, signal);
    this.#ended = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended || this.#detached) return;
    try {
      await this.abort(new AbortController().signal);
    } catch (error) {
      // What brought us here matters more; Azure drops the blocks after a week.
      if (!(error instanceof StoreError)) throw error;
    }
  }

  async #commit(request: AzureRequest, signal: AbortSignal) {
    try {
      const reply = await this.#wire.send(request, signal);
      reply.body.discard();
      return reply;
    } catch (error) {
      throw this.#options.mode === 'create' ? existsInstead(error) : error;
    }
  }

  async #putMark(operation: Operation, mark: number, signal: AbortSignal): Promise<void> {
    // Azure takes no empty blocks.
    await this.#sendBlock(operation, mark, { content: Buffer.from('-'), size: 1 }, signal);
  }

  async #putBlock(
    number: number,
    block: Pick<AzureRequest, 'headers' | 'content' | 'size' | 'slow'>,
    signal: AbortSignal,
  ): Promise<PartReceipt> {
    signal.throwIfAborted();
    const lost = this.#ended || startedAtOf(this.id) === undefined;
    if (lost) throw this.#error('not-found', 'putPart', 'there is no such upload');
    return { number, ...(await this.#sendBlock('putPart', number, block, signal)) };
  }

  /** https://learn.microsoft.com/rest/api/storageservices/put-block */
  async #sendBlock(
    operation: Operation,
    number: number,
    block: Pick<AzureRequest, 'headers' | 'content' | 'size' | 'slow'>,
    signal: AbortSignal,
  ): Promise<PutReceipt> {
    this.#lastPutAt = Math.max(this.#wire.clock.now(), this.#lastPutAt + 1);
    const blockid = blockIdOf({ uploadId: this.id, number, putAt: this.#lastPutAt });
    const query = { comp: 'block', blockid };
    const reply = await this.#wire.send(
      { operation, method: 'PUT', key: this.#key, query, ...block },
      signal,
    );
    reply.body.discard();
    return receiptOf(blockid, reply.headers);
  }

  /** The blocks of this upload; undefined where it has ended, one way or the other. */
  async #blocks(operation: Operation, signal: AbortSignal): Promise<WaitingBlock[] | undefined> {
    return (await openBlocks(this.#wire, { operation, key: this.#key }, signal)).get(this.id);
  }

  #putHeaders(operation: Operation): string[] {
    const { name: store, dialect } = this.#wire;
    const put = { store, operation, key: this.#key, traits: this.#traits, dialect };
    return azurePutHeaders(put, this.#options);
  }

  #error(fault: StoreError['fault'], operation: Operation, cloudMessage?: string): StoreError {
    return new StoreError(fault, {
      store: this.#wire.name,
      operation,
      key: this.#key,
      cloudMessage,
    });
  }
}

/** Our uploads that wait under exactly this key. */
export async function listUploads(
  wire: AzureWire,
  key: string,
  signal: AbortSignal,
): Promise<OpenUpload[]> {
  const uploads: OpenUpload[] = [];
  for (const id of (await openBlocks(wire, { operation: 'listUploads', key }, signal)).keys()) {
    const startedAt = startedAtOf(id);
    if (startedAt !== undefined) uploads.push({ key, id, startedAt });
  }
  return uploads;
}
