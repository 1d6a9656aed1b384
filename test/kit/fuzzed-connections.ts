import type { Chance } from './seeded-random.ts';

const REQUEST_LINES = [
  'GET / HTTP/1.1',
  'GET /v2 HTTP/1.0',
  'GET /v2 HTTP/2.0',
  'GET /v2',
  'GET http://other.example/v2 HTTP/1.1',
  'GET //// HTTP/1.1',
  'GET /%00%ff?%zz=%c0 HTTP/1.1',
  'CONNECT x:1 HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'PRI * HTTP/2.0',
  'FOO / HTTP/1.1',
  'POST /v3/auth/tokens HTTP/1.1',
  'HEAD /healthz HTTP/1.1',
] as const;
const HEADERS = [
  'Host: a',
  'Host: b',
  'Content-Length: 3',
  'Content-Length: 5',
  'Content-Length: -1',
  'Content-Length: 99999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: xchunked',
  'Connection: keep-alive, upgrade',
  'Upgrade: websocket',
  'Expect: 100-continue',
  'Expect: x',
  ' folded: x',
  'NoColon',
  ': empty',
  'X-Auth-Token: a\0b',
  'X-Auth-Token:\u00ff\u0001',
  `X-Long: ${'x'.repeat(40_000)}`,
  'Content-Type: application/json',
] as const;
const BODIES = [
  '',
  'abc',
  '3\r\nabc\r\n0\r\n\r\n',
  'ffffffffffffffff\r\n',
  '-1\r\n',
  '0\r\n\r\nGET / HTTP/1.1\r\n\r\n',
  '{"auth":',
] as const;

/** A request that is framed badly: the bytes of a connection. */
export function framing(chance: Chance): Buffer {
  if (chance.once(10)) return chance.bytes(600);
  const end = chance.pick(['\r\n', '\r\n', '\r\n', '\n', '\r']);
  const headers = Array.from({ length: chance.below(6) }, () => chance.pick(HEADERS));
  const lines = [chance.pick(REQUEST_LINES), ...headers, '', chance.pick(BODIES)];
  const bytes = Buffer.from(lines.join(end), 'latin1');
  return chance.once(3) ? chance.damage(bytes) : bytes;
}
