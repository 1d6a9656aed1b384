import { XMLParser } from 'fast-xml-parser';
import { S3Error } from './s3-error.ts';
import { unescapeXml, type XmlNode } from './xml.ts';

const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  parseTagValue: false,
  trimValues: false,
  // Not even fast-xml-parser takes control characters, which names of objects may have.
  processEntities: false,
  tagValueProcessor: (_name, value) => unescapeXml(value),
  isArray: (name) =>
    ['Contents', 'CommonPrefixes', 'Part', 'Upload', 'Bucket', 'Deleted'].includes(name),
});

/** Parses a document of the server into a tree: the name of its root, and the content. */
export function treeOf(xml: string): { readonly root: string; readonly node: unknown } {
  // The parser gives a record of elements, of which there is one.
  const [first] = Object.entries(parser.parse(xml) as Record<string, unknown>);
  const [root, node] = first ?? ['', ''];
  return { root, node };
}

export function isNode(value: unknown): value is XmlNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function nodesOf(value: unknown): XmlNode[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** @throws {S3Error} `MalformedXML` for what is no JSON object. */
export function readJson(text: string): XmlNode {
  try {
    const parsed: unknown = JSON.parse(text);
    if (isNode(parsed)) return parsed;
  } catch {
    // Reported below, like every value that is not an object.
  }
  throw new S3Error('MalformedXML');
}
