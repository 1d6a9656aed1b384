import { escapeXml, fitsXml, readXml, XmlElement } from '../../base/xml.ts';
import {
  type MakeRecord,
  readRecords,
  type RecordShape,
  type Records,
  recordsOf,
} from '../../base/xml-records.ts';
import type { S3Dialect } from './dialect.ts';

/** How requests and answers are written. */
export interface Documents {
  readonly contentType: string;
  /** What an empty answer to a deletion stands for: that nothing went wrong. */
  readonly nothing: string | undefined;
  /** A parameter of a query, by its name in S3. */
  readonly parameter: (name: string) => string;
  /** Whether a document can carry the key. */
  readonly fits: (key: string) => boolean;
  readonly completion: (parts: readonly NumberedPart[]) => string;
  readonly deletion: (keys: readonly string[]) => string;
  /**
   * Reads an answer into elements with S3's names, whatever theirs are.
   *
   * @param expected Name of the root, where the document does not name it.
   * @throws What is wrong with it.
   */
  readonly read: (text: string, expected: string) => XmlElement;
  /** The same of an answer that consists mostly of records, from its bytes, which are not kept. */
  readonly readRecords: <T>(bytes: Buffer, expected: string, as: RecordsReader<T>) => Records<T>;
}

export interface RecordsReader<T> {
  readonly shape: RecordShape;
  readonly make: MakeRecord<T>;
}

interface NumberedPart {
  readonly number: number;
  readonly etag: string;
}

/** An attribute of a root element, where the dialect has one. */
export function namespaceOf({ documents: kind }: Pick<S3Dialect, 'documents'>): string {
  return kind === 's3-xml' ? s3Namespace : '';
}

const s3Namespace = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

const xml = (namespace: string): Documents => ({
  contentType: 'application/xml',
  nothing: undefined,
  parameter: (name) => name,
  fits: fitsXml,
  completion: (parts) => {
    const list = parts.map(
      ({ number, etag }) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
    );
    return `<CompleteMultipartUpload${namespace}>${list.join('')}</CompleteMultipartUpload>`;
  },
  deletion: (keys) => {
    const objects = keys.map((key) => `<Object><Key>${escapeXml(key)}</Key></Object>`);
    return `<Delete${namespace}><Quiet>true</Quiet>${objects.join('')}</Delete>`;
  },
  read: readXml,
  readRecords: (bytes, _, { shape, make }) =>
    readRecords(bytes, shape, make) ?? recordsOf(readXml(bytes.toString()), shape, make),
});

/** As Baidu documents it: https://cloud.baidu.com/doc/BOS/s/Ekc4epj6m */
const json: Documents = {
  contentType: 'application/json; charset=utf-8',
  nothing: '{}',
  parameter: (name) => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  fits: () => true,
  completion: (parts) =>
    JSON.stringify({
      parts: parts.map(({ number, etag }) => ({
        partNumber: number,
        eTag: etag.replaceAll('"', ''),
      })),
    }),
  deletion: (keys) => JSON.stringify({ objects: keys.map((key) => ({ key })) }),
  read: readJson,
  readRecords: (bytes, expected, { shape, make }) =>
    recordsOf(readJson(bytes.toString(), expected), shape, make),
};

function readJson(text: string, expected: string): XmlElement {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error('no object');
  const failed = 'code' in value && 'message' in value;
  return elementOf(failed ? 'Error' : expected, value);
}

export const documents: Readonly<Record<S3Dialect['documents'], Documents>> = {
  's3-xml': xml(s3Namespace),
  'xml': xml(''),
  json,
};

/** Lists have the name of one of their elements in S3, but for `Contents`. */
const elementNames: ReadonlyMap<string, string> = new Map([
  ['parts', 'Part'],
  ['uploads', 'Upload'],
  ['errors', 'Error'],
]);

/** `{isTruncated: true, contents: [{key: 'a'}]}` as if it had been `<IsTruncated>`, `<Contents><Key>`. */
function elementOf(name: string, value: unknown): XmlElement {
  const element = new XmlElement(name, '');
  if (typeof value === 'string') element.text = value;
  if (typeof value === 'number' || typeof value === 'boolean') element.text = value.toString();
  if (typeof value !== 'object' || value === null) return element;
  for (const [field, inner] of Object.entries(value)) {
    const child = elementNames.get(field) ?? field.charAt(0).toUpperCase() + field.slice(1);
    const all: readonly unknown[] = Array.isArray(inner) ? inner : [inner];
    for (const one of all) {
      if (one !== null) element.children.push(elementOf(child, one));
    }
  }
  return element;
}
