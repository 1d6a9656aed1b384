import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Secret } from '../base/seal.ts';

export interface AzureAccountKey {
  readonly account: string;
  /** In base64, as Azure shows it. */
  readonly key: Secret;
}

export interface AzureSignedRequest {
  readonly method: string;
  /** As it is sent: encoded once. */
  readonly path: string;
  /** Decoded; those without a value are not sent. */
  readonly query: Readonly<Record<string, string | undefined>>;
  /** In pairs, names in lower case, `x-ms-date` included; values as text. */
  readonly headers: readonly string[];
  /** Bytes of the content. */
  readonly size: number;
}

/** The standard headers of a string to sign, in their order; the length has a rule of its own. */
const afterLength = [
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
] as const;

/**
 * Signs requests with the key of a storage account.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
 */
export class AzureSharedKeySigner {
  readonly #account: string;
  readonly #key: KeyObject;

  constructor({ account, key }: AzureAccountKey) {
    this.#account = account;
    this.#key = createSecretKey(Buffer.from(key.reveal(), 'base64'));
  }

  /** The value of the `authorization` header. */
  authorization(request: AzureSignedRequest): string {
    const signature = createHmac('sha256', this.#key)
      .update(stringToSign(this.#account, request))
      .digest('base64');
    return `SharedKey ${this.#account}:${signature}`;
  }
}

function stringToSign(
  account: string,
  { method, path, query, headers, size }: AzureSignedRequest,
): string {
  const own = new Map<string, string>();
  for (let at = 0; at < headers.length; at += 2) own.set(headers[at] ?? '', headers[at + 1] ?? '');
  const slots = [
    method,
    own.get('content-encoding') ?? '',
    own.get('content-language') ?? '',
    // "When the length is zero, the string is empty", from version 2015-02-21 on.
    size === 0 ? '' : size.toString(),
    ...afterLength.map((name) => own.get(name) ?? ''),
  ];
  return `${slots.join('\n')}\n${canonicalHeaders(own)}/${account}${path}${canonicalResource(query)}`;
}

function canonicalHeaders(headers: ReadonlyMap<string, string>): string {
  let text = '';
  const names = [...headers.keys()].filter((name) => name.startsWith('x-ms-'));
  for (const name of names.sort(compareHeaderNames)) {
    text += `${name}:${(headers.get(name) ?? '').trimStart()}\n`;
  }
  return text;
}

/**
 * The service sorts as .NET does in culture-sensitive order: it ignores hyphens, and `_` comes before
 * digits and letters, whereas in ASCII it comes between upper and lower case. Found in Microsoft's own
 * clients:
 * https://github.com/Azure/azure-sdk-for-js, storage-common, SharedKeyComparator.ts
 */
function compareHeaderNames(a: string, b: string): number {
  const left = sortKey(a);
  const right = sortKey(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

function sortKey(name: string): string {
  return name.replaceAll('-', '').replaceAll('_', '!');
}

function canonicalResource(query: AzureSignedRequest['query']): string {
  let text = '';
  for (const name of Object.keys(query).sort()) {
    const value = query[name];
    if (value !== undefined) text += `\n${name}:${value}`;
  }
  return text;
}
