import { isNotModified, parseRange } from '../s3-server/conditions.ts';
import type { Reply } from '../s3-server/call.ts';
import { bucketOf, type KodoCall, pathOf } from './call.ts';
import { archives } from './classes.ts';
import { KodoError } from './kodo-error.ts';
import { headersOf } from './metadata.ts';
import { checkDownload } from './tokens.ts';

/** An object of a private bucket, through a domain that is bound to it. */
export function download(call: KodoCall): Reply {
  const { service, method, headers } = call;
  if (method !== 'GET' && method !== 'HEAD') throw new KodoError('no such method');
  checkDownload(call);
  // A plus is a plus.
  const key = decodeURIComponent(pathOf(call).path.slice(1));
  const version = bucketOf(service, service.bound).object(key);
  if (version === undefined) throw new KodoError('Document not found');
  if (archives.has(version.storageClass) && version.restore?.ongoing !== false) {
    throw new KodoError('the file is archived');
  }
  const { content, etag, lastModified } = version;
  const told = {
    'etag': `"${etag}"`,
    'last-modified': new Date(lastModified).toUTCString(),
    'accept-ranges': 'bytes',
    // The headers that the writer chose, including the time.
    ...headersOf(version),
  };
  if (isNotModified(call, version)) return { status: 304, headers: told };
  const range = parseRange(headers.range, content.size);
  const { first, end } = range ?? { first: 0, end: content.size };
  const length = { 'content-length': end - first };
  const body = { content, first, end };
  if (range === undefined) return { status: 200, headers: { ...told, ...length }, body };
  const part = { 'content-range': `bytes ${first}-${end - 1}/${content.size}` };
  return { status: 206, headers: { ...told, ...length, ...part }, body };
}
