import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parseArgs } from 'node:util';

/*
 * A server that only lists: a bucket of made-up objects, whose names and ETags follow from their number. It keeps
 * nothing, so a bucket may have 100 million of them, and renders a page by writing digits into a copy of a template,
 * so that it costs next to nothing beside what reads it. It checks no signature.
 */

const { values: options } = parseArgs({
  options: {
    objects: { type: 'string', default: '1000000' },
    /** The date of all objects; a target's is later than its source's. */
    date: { type: 'string', default: '2026-01-01T00:00:00.000Z' },
  },
});
const count = Number(options.objects);

const PAGE = 1_000;
const A_FOLDER = 10_000;
const FOLDER_DIGITS = 5;
const DIGITS = 9;
const zeros = (digits: number): string => '0'.repeat(digits);
const folderOf = (at: number): string =>
  `data/${String(Math.floor(at / A_FOLDER)).padStart(FOLDER_DIGITS, '0')}/`;
const keyOf = (at: number): string =>
  `${folderOf(at)}object-${String(at).padStart(DIGITS, '0')}.bin`;

const ENTRY =
  `<Contents><Key>data/${zeros(FOLDER_DIGITS)}/object-${zeros(DIGITS)}.bin</Key>` +
  `<LastModified>${options.date}</LastModified><ETag>&quot;5d41402abc4b2a76b9719d9${zeros(DIGITS)}&quot;</ETag>` +
  '<Size>4096</Size><StorageClass>STANDARD</StorageClass></Contents>';
const template = Buffer.from(ENTRY.repeat(PAGE), 'latin1');
const FOLDER_AT = ENTRY.indexOf(zeros(FOLDER_DIGITS));
const KEY_AT = ENTRY.indexOf(zeros(DIGITS));
const ETAG_AT = ENTRY.lastIndexOf(zeros(DIGITS));

function write(buffer: Buffer, end: number, value: number, digits: number): void {
  let left = value;
  for (let at = end + digits - 1; at >= end; at--) {
    buffer[at] = 48 + (left % 10);
    left = Math.floor(left / 10);
  }
}

function entries(first: number, end: number): Buffer {
  const page = Buffer.from(template.subarray(0, (end - first) * ENTRY.length));
  for (let at = first, start = 0; at < end; at++, start += ENTRY.length) {
    write(page, start + FOLDER_AT, Math.floor(at / A_FOLDER), FOLDER_DIGITS);
    write(page, start + KEY_AT, at, DIGITS);
    write(page, start + ETAG_AT, at, DIGITS);
  }
  return page;
}

/** The first object whose key `isPast` says yes to; keys are in order. */
function firstWhere(isPast: (key: string) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isPast(keyOf(middle))) high = middle;
    else low = middle + 1;
  }
  return low;
}

const START = '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult><Name>bench</Name>';

function list(query: URLSearchParams): readonly (string | Buffer)[] {
  const prefix = query.get('prefix') ?? '';
  const after = query.get('continuation-token') ?? query.get('start-after') ?? '';
  const max = Math.min(Number(query.get('max-keys') ?? PAGE), PAGE);
  const end = firstWhere((key) => key > prefix && !key.startsWith(prefix));
  const first = firstWhere((key) => key >= prefix && key > after);
  if (query.get('delimiter') === '/') return folders(prefix, first, end, after);
  const last = Math.min(first + max, end);
  return [START, ...tail(last, end), ...(last > first ? [entries(first, last)] : []), END];
}

const END = '</ListBucketResult>';

function tail(last: number, end: number): string[] {
  return [
    `<MaxKeys>${PAGE}</MaxKeys><EncodingType>url</EncodingType>`,
    last < end
      ? `<IsTruncated>true</IsTruncated><NextContinuationToken>${keyOf(last - 1)}</NextContinuationToken>`
      : '<IsTruncated>false</IsTruncated>',
  ];
}

/** What has a slash behind the prefix is a common prefix; all keys of a folder go with it. */
function folders(prefix: string, first: number, end: number, after: string): string[] {
  const found: string[] = [];
  let at = first;
  while (at < end && found.length < PAGE) {
    const key = keyOf(at);
    const slash = key.indexOf('/', prefix.length);
    if (slash === -1) {
      const last = Math.min(at + PAGE, end);
      return [START, ...tail(last, end), entries(at, last).toString('latin1'), END];
    }
    const folder = key.slice(0, slash + 1);
    if (folder !== after) found.push(folder);
    const next = firstWhere((other) => other > folder && !other.startsWith(folder));
    at = next;
  }
  const more = at < end;
  return [
    START,
    more
      ? `<IsTruncated>true</IsTruncated><NextContinuationToken>${found.at(-1)}\u007f</NextContinuationToken>`
      : '<IsTruncated>false</IsTruncated>',
    ...found.map((folder) => `<CommonPrefixes><Prefix>${folder}</Prefix></CommonPrefixes>`),
    END,
  ];
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  request.resume();
  if (request.method !== 'GET' || url.pathname.split('/').filter(Boolean).length > 1) {
    response.writeHead(request.method === 'HEAD' ? 200 : 404, { 'content-length': 0 }).end();
    return;
  }
  const parts = list(url.searchParams);
  const length = parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
  response.writeHead(200, { 'content-type': 'application/xml', 'content-length': length });
  for (const part of parts) response.write(part);
  response.end();
}

const server = createServer(answer);
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${address.port}` })}\n`);
});
