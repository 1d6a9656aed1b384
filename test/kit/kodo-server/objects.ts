import { createHash } from 'node:crypto';
import type { Bucket, Version } from '../s3-server/bucket.ts';
import type { Reply } from '../s3-server/call.ts';
import { allBytes } from '../s3-server/content.ts';
import {
  bucketOf,
  decoded,
  json,
  type KodoCall,
  type KodoService,
  objectOf,
  pathOf,
} from './call.ts';
import { archives, classOfType, typeOfClass } from './classes.ts';
import { KodoError } from './kodo-error.ts';
import { metadataOf } from './metadata.ts';
import { checkAccess } from './tokens.ts';

const DAY_MS = 24 * 3600 * 1000;
/** https://developer.qiniu.com/kodo/6380/restore-archive */
const DAYS_MAX = 7;
const BATCH_MAX = 1000;

type Operation = (service: KodoService, words: readonly string[]) => object | undefined;

/** What is done with one object, by the first word of the path. */
const operations: Readonly<Record<string, Operation>> = {
  stat: (service, [entry]) => statOf(found(service, entry).version),
  delete(service, [entry]) {
    const { bucket, version } = found(service, entry);
    bucket.delete(version.key);
    return undefined;
  },
  copy: (service, words) => void copied(service, words),
  move(service, words) {
    const { from, to } = copied(service, words);
    const same = from.bucket === to.bucket && from.version.key === to.key;
    if (!same) from.bucket.delete(from.version.key);
    return undefined;
  },
  chtype(service, [entry, , type = '']) {
    const { bucket, version } = found(service, entry);
    bucket.add({ ...version, storageClass: classOfType(Number(type)) });
    return undefined;
  },
  restoreAr(service, [entry, , days = '']) {
    const { bucket, version } = found(service, entry);
    if (!archives.has(version.storageClass)) throw new KodoError('the file is not archived');
    if (!(Number(days) >= 1 && Number(days) <= DAYS_MAX)) throw new KodoError('invalid argument');
    const expiry = service.now() + Number(days) * DAY_MS;
    bucket.amend(version, { restore: { ongoing: version.restore?.ongoing !== false, expiry } });
    return undefined;
  },
};

/** Performs one operation, such as `/stat/…` or `/copy/…/…/force/true`, or several at once. */
export function manage(call: KodoCall): Reply {
  checkAccess(call);
  const { path } = pathOf(call);
  if (path === '/batch') return batch(call);
  const told = perform(call.service, path);
  return told === undefined ? { status: 200 } : json(told);
}

function perform(service: KodoService, path: string): object | undefined {
  const [, name = '', ...words] = path.split('/');
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (operation === undefined) throw new KodoError('no such method');
  return operation(service, words);
}

/** Each on its own: some may fail. https://developer.qiniu.com/kodo/1250/batch */
function batch({ service, body }: KodoCall): Reply {
  const paths = new URLSearchParams(body.toString()).getAll('op');
  if (paths.length > BATCH_MAX) throw new KodoError('invalid argument');
  const done = paths.map((path) => {
    try {
      const data = perform(service, path);
      return data === undefined ? { code: 200 } : { code: 200, data };
    } catch (error) {
      if (!(error instanceof KodoError)) throw error;
      return { code: error.status, data: { error: error.message } };
    }
  });
  return json(done, done.every(({ code }) => code === 200) ? 200 : 298);
}

interface Found {
  readonly bucket: Bucket;
  readonly version: Version;
}

/** What an entry names: `bucket:key`, in base64. */
function entryOf(service: KodoService, entry = ''): { bucket: Bucket; key: string } {
  const text = decoded(entry) ?? '';
  const colon = text.indexOf(':');
  if (colon < 0) throw new KodoError('invalid argument');
  return { bucket: bucketOf(service, text.slice(0, colon)), key: text.slice(colon + 1) };
}

function found(service: KodoService, entry: string | undefined): Found {
  const { bucket, key } = entryOf(service, entry);
  return { bucket, version: objectOf(bucket, key) };
}

function copied(
  service: KodoService,
  [source, destination, word, force]: readonly string[],
): { readonly from: Found; readonly to: { readonly bucket: Bucket; readonly key: string } } {
  const from = found(service, source);
  const to = entryOf(service, destination);
  const forced = word === 'force' && force === 'true';
  if (to.bucket.object(to.key) !== undefined && !forced) throw new KodoError('file exists');
  to.bucket.add({ ...from.version, key: to.key, lastModified: service.now() });
  return { from, to };
}

/** The description of an object, in stat and in listings: https://developer.qiniu.com/kodo/1308/stat */
export function statOf(version: Version): object {
  const { content, etag, contentHeaders, storageClass, lastModified, partSizes } = version;
  const meta = metadataOf(version);
  const restore = version.restore && { restoreStatus: version.restore.ongoing ? 1 : 2 };
  return {
    fsize: content.size,
    hash: etag,
    mimeType: contentHeaders['content-type'],
    // Units of 100 nanoseconds.
    putTime: lastModified * 10_000,
    type: typeOfClass(storageClass),
    // "Only of files that were put directly".
    ...(partSizes === undefined && {
      md5: createHash('md5').update(allBytes(content)).digest('hex'),
    }),
    ...(archives.has(storageClass) && restore),
    ...(Object.keys(meta).length > 0 && { 'x-qn-meta': meta }),
  };
}
