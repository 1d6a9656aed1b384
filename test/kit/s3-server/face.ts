import type { IncomingHttpHeaders } from 'node:http';
import type { Dialect, Face } from './dialect.ts';
import { S3Error } from './s3-error.ts';
import { type Scheme, schemes } from './schemes.ts';
import type { Signed } from './signed.ts';

const S3_PREFIX = 'x-amz-';

/** Returns the API that a request uses, which its signature shows, and how to check that signature. */
export function faceOf(
  dialect: Dialect,
  signed: Pick<Signed, 'headers' | 'query'>,
): { readonly face: Face; readonly scheme: Scheme } {
  for (const face of dialect.faces) {
    for (const name of face.schemes) {
      const scheme = schemes[name];
      if (scheme.claims(signed)) return { face, scheme };
    }
  }
  const [face] = dialect.faces;
  return { face, scheme: schemes[face.schemes[0]] };
}

/** Whether nothing need be translated: the way of most requests. */
export function speaksS3(face: Face): boolean {
  return face.prefix === S3_PREFIX && face.documents === undefined;
}

/** A request's headers by S3's names. What bears another face's prefix means nothing. */
export function headersByS3(face: Face, headers: IncomingHttpHeaders): IncomingHttpHeaders {
  if (speaksS3(face)) return headers;
  const renamed = turned(face.renamed ?? {});
  const found: IncomingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(S3_PREFIX)) continue;
    if (name.startsWith(face.prefix)) {
      const short = name.slice(face.prefix.length);
      found[S3_PREFIX + (renamed[short] ?? short)] = value;
    } else {
      found[name] = value;
    }
  }
  return found;
}

type ReplyHeaders = Readonly<Record<string, string | number>>;

/** A reply's headers by the names of the face. */
export function headersByFace(face: Face, headers: ReplyHeaders): ReplyHeaders {
  if (speaksS3(face)) return headers;
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      if (!name.startsWith(S3_PREFIX)) return [name, value];
      const short = name.slice(S3_PREFIX.length);
      return [face.prefix + (face.renamed?.[short] ?? short), value];
    }),
  );
}

/** The parameters of a query by S3's names. */
export function queryByS3(
  face: Face,
  query: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const names = face.query;
  if (names === undefined) return query;
  return new Map([...query].map(([name, value]) => [names[name] ?? name, value]));
}

/** @throws {S3Error} `InvalidStorageClass` */
export function classByS3(face: Face, word: string): string {
  const known = face.classes[word];
  if (known === undefined) throw new S3Error('InvalidStorageClass', `There is no class ${word}`);
  return known;
}

/** The face's word for a class; where it has none, S3's. */
export function classByFace(face: Face, storageClass: string): string {
  if (face.classes[storageClass] === storageClass) return storageClass;
  const word = Object.keys(face.classes).find((each) => face.classes[each] === storageClass);
  return word ?? storageClass;
}

function turned(names: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(names).map(([ours, theirs]) => [theirs, ours]));
}
