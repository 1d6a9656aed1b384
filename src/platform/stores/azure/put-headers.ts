import { encodeMetadata } from '../metadata-text.ts';
import { checkPutOptions } from '../put-options.ts';
import type { PutOptions, Traits } from '../store.ts';
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
  return headersOf(options, dialect);
}

function headersOf(options: PutOptions, dialect: AzureDialect): string[] {
  const { contentType, contentHeaders = {}, userMetadata = {}, tier, mode } = options;
  const headers: string[] = [];
  if (contentType !== undefined) headers.push('x-ms-blob-content-type', contentType);
  for (const name of dialect.contentHeaders) {
    const value = contentHeaders[name];
    if (value !== undefined) headers.push(`x-ms-blob-${name}`, value);
  }
  for (const [name, value] of Object.entries(userMetadata)) {
    // For what is not ASCII, "use Base64 or URL encoding":
    // https://learn.microsoft.com/rest/api/storageservices/setting-and-retrieving-properties-and-metadata-for-blob-resources
    headers.push(`x-ms-meta-${name.toLowerCase()}`, encodeMetadata(value, 'percent'));
  }
  if (tier !== undefined) headers.push('x-ms-access-tier', dialect.tierClasses[tier]);
  if (mode === 'create') headers.push('if-none-match', '*');
  return headers;
}
