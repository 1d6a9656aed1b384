import { createHash, createHmac } from 'node:crypto';

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
}

export interface Unsigned {
  readonly method?: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds; now, unless a clock is to be wrong. */
  readonly at?: number;
}

/** The headers that sign a request as the official SDKs do: those given, and what the signature adds. */
export function signedHeaders(request: Unsigned, key: AccessKey): Record<string, string> {
  return signature(request, key, undefined);
}

/** As older clients of the cloud sign: with a scope, and a key that is derived for it. */
export function olderSignedHeaders(request: Unsigned, key: AccessKey): Record<string, string> {
  return signature(request, key, ['region', 'oms', 'sdk_request']);
}

function signature(
  { method = 'GET', url, headers = {}, body = '', at = Date.now() }: Unsigned,
  { id, secret }: AccessKey,
  place: readonly string[] | undefined,
): Record<string, string> {
  const { host, pathname, searchParams } = new URL(url);
  const date = new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const signed: Record<string, string> = { ...headers, host, 'x-sdk-date': date };
  const names = Object.keys(signed).sort();
  const canonical = [
    method,
    pathname.endsWith('/') ? pathname : `${pathname}/`,
    [...searchParams]
      .map((pair) => pair.map(encodeURIComponent).join('='))
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${signed[name] ?? ''}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const scope = place === undefined ? undefined : [date.slice(0, 8), ...place];
  const lines = [date, ...(scope === undefined ? [] : [scope.join('/')]), sha256(canonical)];
  const text = ['SDK-HMAC-SHA256', ...lines].join('\n');
  const hex = createHmac('sha256', keyFor(secret, scope)).update(text).digest('hex');
  const who = scope === undefined ? `Access=${id}` : `Credential=${id}/${scope.join('/')}`;
  const authorization = `SDK-HMAC-SHA256 ${who}, SignedHeaders=${names.join(';')}, Signature=${hex}`;
  return { ...headers, 'x-sdk-date': date, authorization };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function keyFor(secret: string, scope: readonly string[] | undefined): string | Buffer {
  if (scope === undefined) return secret;
  let key: string | Buffer = `SDK${secret}`;
  for (const part of scope) key = createHmac('sha256', key).update(part).digest();
  return key;
}
