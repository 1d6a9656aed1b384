import { isNode, nodesOf, readJson, textOf, treeOf } from './json.ts';
import type { XmlNode } from './xml.ts';

/*
 * BOS writes JSON: https://cloud.baidu.com/doc/BOS/s/Ekc4epj6m and the pages beside it.
 */

/** Reads what BOS's clients send, by the names of S3's documents. */
export function readBos(text: string): XmlNode {
  const { parts, objects } = readJson(text);
  return {
    Part: nodesOf(parts).map(({ partNumber, eTag }) => ({
      PartNumber: String(partNumber),
      ETag: eTag,
    })),
    Object: nodesOf(objects).map(({ key }) => ({ Key: key })),
  };
}

const lists: Readonly<Record<string, string>> = {
  Contents: 'contents',
  CommonPrefixes: 'commonPrefixes',
  Part: 'parts',
  Upload: 'uploads',
};

const numbers: ReadonlySet<string> = new Set([
  ...['Size', 'MaxKeys', 'MaxParts', 'MaxUploads', 'PartNumber', 'PartNumberMarker'],
  'NextPartNumberMarker',
]);

/** Writes a document of S3's as BOS does. */
export function bosDocument(xml: string): string {
  const { root, node } = treeOf(xml);
  if (root === 'LocationConstraint') return JSON.stringify({ locationConstraint: textOf(node) });
  if (root === 'DeleteResult') return '{"errors":[]}';
  return JSON.stringify(isNode(node) ? object(node) : {});
}

function object(node: XmlNode): Record<string, unknown> {
  return Object.fromEntries(Object.entries(node).map(([name, value]) => field(name, value)));
}

function field(name: string, value: unknown): [string, unknown] {
  const list = lists[name];
  if (list !== undefined) return [list, nodesOf(value).map(object)];
  if (name === 'Buckets') {
    return ['buckets', isNode(value) ? nodesOf(value['Bucket']).map(object) : []];
  }
  if (name === 'ETag') return ['eTag', textOf(value).replaceAll('"', '')];
  const short = name.charAt(0).toLowerCase() + name.slice(1);
  if (name === 'IsTruncated') return [short, value === 'true'];
  if (numbers.has(name)) return [short, Number(value)];
  return [name === 'ID' ? 'id' : short, isNode(value) ? object(value) : value];
}
