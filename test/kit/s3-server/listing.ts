import type { Bucket, Version } from './bucket.ts';
import { bucketOf, type Call, type Reply } from './call.ts';
import type { Face } from './dialect.ts';
import { classByFace } from './face.ts';
import { S3Error } from './s3-error.ts';
import { type Item, walk } from './walk.ts';
import { element, escapeXml, xmlDocument } from './xml.ts';

const PAGE_MAX = 1000;

/** The parameters that the three listings share. */
interface Ask {
  readonly prefix: string;
  readonly delimiter: string;
  readonly limit: number;
  /** Encodes keys and prefixes as the client requested. */
  readonly spell: (text: string) => string;
  readonly encodingType: string | undefined;
  readonly face: Face;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly prefixes: readonly string[];
  /** The last key or prefix of the page; absent when nothing follows. */
  readonly last: string | undefined;
}

function asked(call: Call, plus: boolean): Ask {
  const { encodes } = call.service.dialect.listing;
  const encodingType = encodes ? call.query.get('encoding-type') : undefined;
  const limit = Number(call.query.get('max-keys') ?? PAGE_MAX);
  if (!(limit >= 0)) throw new S3Error('InvalidArgument', 'max-keys is not a number');
  if (encodingType !== undefined && encodingType !== 'url') throw new S3Error('InvalidArgument');
  return {
    prefix: call.query.get('prefix') ?? '',
    delimiter: call.query.get('delimiter') ?? '',
    limit: Math.min(limit, PAGE_MAX),
    spell: encodingType === 'url' ? (text) => encodeKey(text, plus) : escapeXml,
    encodingType,
    face: call.face,
  };
}

/** Slashes stay; the first version of the listing writes a space as a plus sign. */
function encodeKey(text: string, plus: boolean): string {
  const encoded = encodeURIComponent(text)
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', '/');
  return plus ? encoded.replaceAll('%20', '+') : encoded;
}

/** Fills a page; `expand` gives what a key stands for: its latest version, or all of them. */
function page<T>(
  items: Iterable<Item>,
  limit: number,
  expand: (key: string) => readonly T[],
): Page<T> {
  const found: T[] = [];
  const prefixes: string[] = [];
  let last: string | undefined;
  for (const item of items) {
    const isPrefix = 'prefix' in item;
    const expanded = isPrefix ? [] : expand(item.key);
    // What one key stands for is never torn apart, unless it alone is longer than a page.
    const count = found.length + prefixes.length;
    if (count > 0 ? count + Math.max(expanded.length, 1) > limit : limit === 0) {
      return { items: found, prefixes, last };
    }
    if (isPrefix) prefixes.push(item.prefix);
    else found.push(...expanded);
    last = isPrefix ? item.prefix : item.key;
  }
  return { items: found, prefixes, last: undefined };
}

function objectPage(bucket: Bucket, ask: Ask, after: string): Page<Version> {
  function expand(key: string): readonly Version[] {
    const version = bucket.object(key);
    return version === undefined ? [] : [version];
  }
  const shows = (key: string): boolean => bucket.object(key) !== undefined;
  return page(walk(bucket.sortedKeys(), { ...ask, after }, shows), ask.limit, expand);
}

export function listObjects(call: Call): Reply {
  const bucket = bucketOf(call);
  const ask = asked(call, true);
  const marker = call.query.get('marker') ?? '';
  const found = objectPage(bucket, ask, marker);
  const { alwaysNextMarker } = call.service.dialect.listing;
  const next = ask.delimiter === '' && !alwaysNextMarker ? undefined : found.last;
  const head =
    `<Marker>${ask.spell(marker)}</Marker>` +
    (next === undefined ? '' : `<NextMarker>${ask.spell(next)}</NextMarker>`);
  return listing('ListBucketResult', bucket, ask, head, found, (version) =>
    contents(version, ask, true),
  );
}

export function listObjectsV2(call: Call): Reply {
  if (!call.service.dialect.listing.version2) throw new S3Error('NotImplemented');
  const bucket = bucketOf(call);
  const ask = asked(call, false);
  const token = call.query.get('continuation-token');
  const startAfter = call.query.get('start-after');
  const after = token === undefined ? (startAfter ?? '') : readToken(token);
  const found = objectPage(bucket, ask, after);
  const withOwner = call.query.get('fetch-owner') === 'true';
  const head =
    element('KeyCount', found.items.length + found.prefixes.length) +
    element('ContinuationToken', token) +
    (startAfter === undefined ? '' : `<StartAfter>${ask.spell(startAfter)}</StartAfter>`) +
    element('NextContinuationToken', found.last && makeToken(found.last));
  return listing('ListBucketResult', bucket, ask, head, found, (version) =>
    contents(version, ask, withOwner),
  );
}

/** Pages end between keys: `version-id-marker` is neither given nor needed. */
export function listObjectVersions(call: Call): Reply {
  const bucket = bucketOf(call);
  const ask = asked(call, true);
  const after = call.query.get('key-marker') ?? '';
  const shows = (key: string): boolean => bucket.versions(key).length > 0;
  const items = walk(bucket.sortedKeys(), { ...ask, after }, shows);
  const found = page(items, ask.limit, (key) => bucket.versions(key));
  const head =
    `<KeyMarker>${ask.spell(after)}</KeyMarker>` +
    (found.last === undefined ? '' : `<NextKeyMarker>${ask.spell(found.last)}</NextKeyMarker>`);
  return listing('ListVersionsResult', bucket, ask, head, found, (version) => {
    const isLatest = bucket.versions(version.key)[0] === version;
    const tag = version.deleteMarker ? 'DeleteMarker' : 'Version';
    const inner = element('VersionId', version.versionId) + element('IsLatest', isLatest);
    return `<${tag}>${inner}${fields(version, ask, true)}</${tag}>`;
  });
}

function listing<T>(
  root: string,
  bucket: Bucket,
  ask: Ask,
  head: string,
  found: Page<T>,
  write: (item: T) => string,
): Reply {
  const inner =
    element('Name', bucket.name) +
    `<Prefix>${ask.spell(ask.prefix)}</Prefix>` +
    (ask.delimiter === '' ? '' : `<Delimiter>${ask.spell(ask.delimiter)}</Delimiter>`) +
    element('MaxKeys', ask.limit) +
    element('EncodingType', ask.encodingType) +
    element('IsTruncated', found.last !== undefined) +
    head +
    found.items.map(write).join('') +
    found.prefixes
      .map((prefix) => `<CommonPrefixes><Prefix>${ask.spell(prefix)}</Prefix></CommonPrefixes>`)
      .join('');
  return { status: 200, body: xmlDocument(root, inner) };
}

function contents(version: Version, ask: Ask, withOwner: boolean): string {
  return `<Contents>${fields(version, ask, withOwner)}</Contents>`;
}

function fields(version: Version, ask: Ask, withOwner: boolean): string {
  const { key, lastModified, etag, content, storageClass, deleteMarker } = version;
  const bytes = deleteMarker
    ? ''
    : `<ETag>&quot;${etag}&quot;</ETag><Size>${content.size}</Size>` +
      `<StorageClass>${classByFace(ask.face, storageClass)}</StorageClass>`;
  return (
    `<Key>${ask.spell(key)}</Key>` +
    `<LastModified>${new Date(lastModified).toISOString()}</LastModified>${bytes}` +
    (withOwner ? '<Owner><ID>owner</ID><DisplayName>owner</DisplayName></Owner>' : '')
  );
}

function makeToken(last: string): string {
  return Buffer.from(last, 'utf8').toString('base64url');
}

function readToken(token: string): string {
  const last = Buffer.from(token, 'base64url').toString('utf8');
  if (last === '' || makeToken(last) !== token) {
    throw new S3Error('InvalidArgument', 'The continuation token provided is incorrect');
  }
  return last;
}
