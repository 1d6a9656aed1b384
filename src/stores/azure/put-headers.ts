import { encodeMetadata } from '../metadata-text.ts';
import { checkPutOptions } from '../put-options.ts';
import type { PutOptions, Traits } from '../store.ts';
import { StoreError } from '../store-error.ts';
import type { AzureDialect } from './dialects.ts';

/** What is to be written, and by whom. */
export interface AzurePut {
  readonly store: string;
  readonly operation: string;
  readonly key: string;
  readonly traits: Traits;
  readonly dialect: AzureDialect;
}

/**
 * The headers of a put or of the end of an upload, in pairs.
 *
 * @throws {StoreError} `unsupported` or `refused`, for what cannot be written.
 */
export function azurePutHeaders(put: AzurePut, options: PutOptions): string[] {
  const { store, operation, key, traits, dialect } = put;
  checkPutOptions(options, traits, { store, operation, key });
  const headers = headersOf(options, dialect);
  if (typeof headers !== 'string') return headers;
  throw new StoreError('refused', { store, operation, key, cloudMessage: headers });
}

function headersOf(options: PutOptions, dialect: AzureDialect): string[] | string {
  const { contentType, contentHeaders = {}, userMetadata = {}, tier, absentOnly } = options;
  const headers: string[] = [];
  if (contentType !== undefined) headers.push('x-ms-blob-content-type', contentType);
  for (const name of dialect.contentHeaders) {
    const value = contentHeaders[name];
    if (value !== undefined) headers.push(`x-ms-blob-${name}`, value);
  }
  const beyond = headers.findIndex((value) => /[^\x20-\x7e]/.test(value));
  // It is signed, and how the service reads the rest is not documented.
  if (beyond !== -1) return `${headers[beyond - 1] ?? ''} with characters beyond ASCII`;
  let size = 0;
  for (const [name, value] of Object.entries(userMetadata)) {
    // For what is not ASCII, "use Base64 or URL encoding":
    // https://learn.microsoft.com/rest/api/storageservices/setting-and-retrieving-properties-and-metadata-for-blob-resources
    const encoded = encodeMetadata(value, 'percent');
    headers.push(`x-ms-meta-${name.toLowerCase()}`, encoded);
    size += name.length + encoded.length;
  }
  const max = dialect.metadataSizeMax;
  if (size > max) return `user metadata of ${size} bytes, where Azure takes ${max}`;
  if (tier !== undefined) headers.push('x-ms-access-tier', dialect.tierClasses[tier]);
  if (absentOnly === true) headers.push('if-none-match', '*');
  return headers;
}
