import { wholeNumber } from '../../http/headers.ts';
import { StoreError } from '../../model/store-error.ts';
import { ABORTED, type BlockName, readBlockId } from './block-ids.ts';
import type { Operation } from '../store.ts';
import type { AzureRequest, AzureWire } from './wire.ts';

/** One of our blocks that is not committed yet. */
export interface WaitingBlock extends BlockName {
  readonly id: string;
  /** Bytes. */
  readonly size: number;
}

/**
 * Our uncommitted blocks under a key, by upload, without those of aborted uploads.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/get-block-list
 */
export async function openBlocks(
  wire: AzureWire,
  { operation, key }: { readonly operation: Operation; readonly key: string },
  signal: AbortSignal,
): Promise<Map<string, WaitingBlock[]>> {
  const byUpload = new Map<string, WaitingBlock[]>();
  for (const block of await waitingBlocks(wire, operation, key, signal)) {
    const others = byUpload.get(block.uploadId);
    if (others === undefined) byUpload.set(block.uploadId, [block]);
    else others.push(block);
  }
  for (const [uploadId, blocks] of byUpload) {
    if (blocks.some(({ number }) => number === ABORTED)) byUpload.delete(uploadId);
  }
  return byUpload;
}

async function waitingBlocks(
  wire: AzureWire,
  operation: Operation,
  key: string,
  signal: AbortSignal,
): Promise<WaitingBlock[]> {
  const query = { comp: 'blocklist', blocklisttype: 'uncommitted' };
  const request: AzureRequest = { operation, method: 'GET', key, query };
  let root;
  try {
    root = await wire.ask(request, 'BlockList', signal);
  } catch (error) {
    if (error instanceof StoreError && hasNone.has(error.details.cloudCode ?? '')) return [];
    throw error;
  }
  const blocks: WaitingBlock[] = [];
  for (const element of root.child('UncommittedBlocks')?.all('Block') ?? []) {
    const id = element.textOf('Name') ?? '';
    const size = wholeNumber(element.textOf('Size'));
    const name = readBlockId(id);
    if (Number.isNaN(size)) throw wire.badReply(request, 'a block without a size');
    if (name !== undefined) blocks.push({ ...name, id, size });
  }
  return blocks;
}

/** A key that nothing was ever put under, and a page or append blob, which has no blocks. */
const hasNone: ReadonlySet<string> = new Set(['BlobNotFound', 'InvalidBlobType']);
