import type { ObjectEncryption, ObjectHead } from '../../model/object.ts';
import { dateOf, headerOf, headerTextOf } from '../../http/headers.ts';
import type { HttpReply } from '../../http/http.ts';
import { ambiguousHeadersOf, contentHeadersOf, metadataValueOf } from '../content-headers.ts';
import type { HeadReader } from '../reply-head.ts';
import type { PutReceipt } from '../store.ts';
import type { AzureDialect } from './dialects.ts';
import type { AzureRequest, AzureWire } from './wire.ts';

type Headers = HttpReply['headers'];

/** Reads the answers to a request for one blob. */
export function headReader(
  wire: AzureWire,
  request: Pick<AzureRequest, 'operation'> & { readonly key: string },
): HeadReader {
  return {
    headOf: (size, headers, answer) => headOf(request.key, size, headers, wire.dialect, answer),
    failure: (fault, message) => wire.failure(fault, request, message),
  };
}

/** What the headers of a GET or HEAD say, or what is wrong with them. */
function headOf(
  key: string,
  size: number,
  headers: Headers,
  dialect: AzureDialect,
  { ranged }: { readonly ranged: boolean },
): ObjectHead | string {
  const etag = headerOf(headers, 'etag') ?? '';
  const lastModified = dateOf(headerOf(headers, 'last-modified'));
  if (lastModified === undefined) return 'an answer without Last-Modified';
  const storageClass = headerOf(headers, 'x-ms-access-tier');
  return {
    key,
    size,
    etag,
    lastModified,
    contentType: headerTextOf(headers, 'content-type'),
    contentHeaders: contentHeadersOf(headers, dialect.contentHeaders),
    ambiguousHeaders: ambiguousHeadersOf(headers, dialect.contentHeaders),
    userMetadata: userMetadataOf(headers),
    storageClass,
    tier: storageClass === undefined ? undefined : dialect.classes.get(storageClass)?.tier,
    // Of a ranged answer Content-MD5 is that of the range; that of the whole has another name then.
    // https://learn.microsoft.com/rest/api/storageservices/get-blob
    md5: wasPut(headers)
      ? md5Of(headerOf(headers, ranged ? 'x-ms-blob-content-md5' : 'content-md5'))
      : undefined,
    // Receipts report the CRC-64/NVME, but the service does not keep it.
    crc64: undefined,
    encryption: encryptionOf(headers, 'x-ms-server-encrypted'),
    versionId: headerOf(headers, 'x-ms-version-id'),
  };
}

/** What the headers of an answer to a put say about the bytes. */
export function receiptOf(etag: string, headers: Headers): PutReceipt {
  return {
    etag,
    // The service computes it from what has arrived: put-blob, put-block, "Content-MD5".
    md5: md5Of(headerOf(headers, 'content-md5')),
    crc64: undefined,
    crc64nvme: crc64nvmeOf(headerOf(headers, 'x-ms-content-crc64')),
    encryption: encryptionOf(headers, 'x-ms-request-server-encrypted'),
    date: dateOf(headerOf(headers, 'date')),
    versionId: headerOf(headers, 'x-ms-version-id'),
  };
}

/** Whether Azure keeps it where it must be thawed before it is read, and whether it is thawing. */
export function archiveStateOf(
  headers: Headers,
  dialect: AzureDialect,
): 'online' | 'archived' | 'thawing' {
  // https://learn.microsoft.com/azure/storage/blobs/archive-rehydrate-overview: it is `Archive`
  // until the tier has changed, and says `rehydrate-pending-to-hot` meanwhile.
  const tier = headerOf(headers, 'x-ms-access-tier') ?? '';
  if (dialect.classes.get(tier)?.archived !== true) return 'online';
  return headerOf(headers, 'x-ms-archive-status') === undefined ? 'archived' : 'thawing';
}

/** Of pages and of what was appended the checksum is a writer's word, which later writes do not change. */
function wasPut(headers: Headers): boolean {
  return headerOf(headers, 'x-ms-blob-type') === 'BlockBlob';
}

/** Base64 of 16 bytes as lower-case hex. */
function md5Of(value: string | undefined): string | undefined {
  if (value === undefined || !/^[\w+/]{22}==$/.test(value)) return undefined;
  return Buffer.from(value, 'base64').toString('hex');
}

/**
 * The service reports it for puts without an MD5, in Base64 of its bytes with the lowest first; S3 has
 * the highest first: https://learn.microsoft.com/rest/api/storageservices/put-block, and
 * https://github.com/Azure/azure-sdk-for-js/blob/main/sdk/storage/storage-common/src/StorageCRC64Calculator.ts
 */
function crc64nvmeOf(value: string | undefined): string | undefined {
  if (value === undefined || !/^[A-Za-z\d+/]{11}=$/.test(value)) return undefined;
  return Buffer.from(value, 'base64').reverse().toString('base64');
}

/** A scope says nothing of who keeps its key, so it counts as the service's own. */
function encryptionOf(headers: Headers, flag: string): ObjectEncryption | undefined {
  if (headers['x-ms-encryption-key-sha256'] !== undefined) return 'customer';
  const scoped = headers['x-ms-encryption-scope'] !== undefined;
  return scoped || headerOf(headers, flag) === 'true' ? 'store' : undefined;
}

const PREFIX = 'x-ms-meta-';
const none: Readonly<Record<string, string>> = Object.freeze({});

/** Names keep their case in Azure, and are alike in any: the connection has made them lower case. */
function userMetadataOf(headers: Headers): Readonly<Record<string, string>> {
  let found: Record<string, string> | undefined;
  for (const name in headers) {
    if (!name.startsWith(PREFIX)) continue;
    found ??= {};
    found[name.slice(PREFIX.length)] = metadataValueOf(headers[name], 'percent');
  }
  return found ?? none;
}
