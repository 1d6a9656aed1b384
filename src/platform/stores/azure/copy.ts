import { MiB } from '../../base/bytes.ts';
import { eachConcurrently } from '../../base/concurrently.ts';
import type { ObjectHead } from '../../model/object.ts';
import { headerOf } from '../../http/headers.ts';
import { headOfReply } from '../reply-head.ts';
import { azureServiceSas } from '../../signing/azure-sas.ts';
import type { PartReceipt, PutReceipt, Traits } from '../store.ts';
import { newUploadId } from './block-ids.ts';
import { headReader, receiptOf } from './head.ts';
import { AzureUpload } from './upload.ts';
import type { AzureRequest, AzureWire } from './wire.ts';

export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly ifMatch?: string | undefined;
}

/** Large enough that few requests are needed, small enough that each is answered in time. */
const COPY_PART = 256 * MiB;
const COPY_CONCURRENCY = 4;
const SAS_LASTS_MS = 24 * 3_600_000;

/**
 * Copies within the account, by the service itself: in one request, or in blocks where it is larger
 * than that may be. What is read is what was looked at first.
 */
export async function copyWithin(
  wire: AzureWire,
  traits: Traits,
  { from, key }: { readonly from: CopySource; readonly key: string },
  signal: AbortSignal,
): Promise<PutReceipt> {
  const head = await headOfSource(wire, from, signal);
  const url = `${wire.urlOf(from.bucket, from.key)}?${readToken(wire, from)}`;
  return head.size <= wire.dialect.copySizeMax
    ? await copyWhole(wire, { url, head, key }, signal)
    : await copyInBlocks(wire, traits, { url, head, key }, signal);
}

interface Copy {
  readonly url: string;
  readonly head: ObjectHead;
  readonly key: string;
}

async function headOfSource(
  wire: AzureWire,
  { bucket, key, ifMatch }: CopySource,
  signal: AbortSignal,
): Promise<ObjectHead> {
  const headers = ifMatch === undefined ? [] : ['if-match', ifMatch];
  const request = { operation: 'copy', method: 'HEAD', container: bucket, key, headers } as const;
  return headOfReply(await wire.send(request, signal), headReader(wire, request));
}

/** "The source must be public or authorized by a SAS": copy-blob-from-url, put-block-from-url. */
function readToken({ credentials, clock }: AzureWire, { bucket, key }: CopySource): string {
  if (credentials.kind === 'sas') return credentials.token.reveal();
  const expiresAt = clock.now() + SAS_LASTS_MS;
  return azureServiceSas(credentials, { container: bucket, key, permissions: 'r', expiresAt });
}

/** https://learn.microsoft.com/rest/api/storageservices/copy-blob-from-url */
async function copyWhole(
  wire: AzureWire,
  { url, head, key }: Copy,
  signal: AbortSignal,
): Promise<PutReceipt> {
  const request: AzureRequest = {
    operation: 'copy',
    method: 'PUT',
    key,
    headers: [
      ...['x-ms-copy-source', url, 'x-ms-requires-sync', 'true'],
      ...['x-ms-source-if-match', head.etag],
    ],
    slow: true,
  };
  const reply = await wire.send(request, signal);
  reply.body.discard();
  const etag = headerOf(reply.headers, 'etag');
  const state = headerOf(reply.headers, 'x-ms-copy-status');
  if (etag === undefined || state !== 'success') {
    throw wire.badReply(request, 'a copy that is not said to have succeeded');
  }
  return receiptOf(etag, reply.headers);
}

/** https://learn.microsoft.com/rest/api/storageservices/put-block-from-url */
async function copyInBlocks(
  wire: AzureWire,
  traits: Traits,
  { url, head, key }: Copy,
  signal: AbortSignal,
): Promise<PutReceipt> {
  const { contentType, contentHeaders, userMetadata } = head;
  const id = newUploadId(wire.clock.now(), wire.clock.random());
  const options = { contentType, contentHeaders, userMetadata };
  await using upload = new AzureUpload({ wire, traits }, key, id, options);
  const partSize = Math.max(COPY_PART, Math.ceil(head.size / wire.dialect.partCountMax));
  const count = Math.ceil(head.size / partSize);
  const numbers = Array.from({ length: count }, (_, at) => at + 1);
  const parts: PartReceipt[] = [];
  await eachConcurrently(
    numbers,
    { concurrency: COPY_CONCURRENCY, signal },
    async (number, stop) => {
      const first = (number - 1) * partSize;
      const range = `bytes=${first}-${Math.min(first + partSize, head.size) - 1}`;
      parts.push(await upload.copyPart(number, { url, range, ifMatch: head.etag }, stop));
    },
  );
  parts.sort((a, b) => a.number - b.number);
  return await upload.complete(parts, signal);
}
