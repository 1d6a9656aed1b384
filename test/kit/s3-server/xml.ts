import { XMLParser } from 'fast-xml-parser';
import { S3Error } from './s3-error.ts';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

const special = /[&<>"\x00-\x1f\x7f]/g;

/** Text as it stands between tags. */
export function escapeXml(text: string): string {
  return text.replace(
    special,
    (character) => entities[character] ?? `&#x${character.charCodeAt(0).toString(16)};`,
  );
}

/** Undoes {@link escapeXml}. */
export function unescapeXml(escaped: string): string {
  return escaped
    .replace(/&#x([0-9a-f]+);/g, (_all, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&');
}

/** One element with text in it; nothing when there is no value. */
export function element(name: string, value: string | number | boolean | undefined): string {
  return value === undefined ? '' : `<${name}>${escapeXml(String(value))}</${name}>`;
}

/** A whole document in S3's namespace; `inner` is XML already. */
export function xmlDocument(root: string, inner: string): string {
  return `${DECLARATION}<${root} xmlns="${NAMESPACE}">${inner}</${root}>`;
}

/** The document S3 sends when it refuses. */
export function errorDocument(
  code: string,
  message: string,
  about: {
    readonly resource: string;
    readonly requestId: string;
    readonly details?: Readonly<Record<string, string>>;
  },
): string {
  const details = Object.entries(about.details ?? {}).map(([name, value]) => element(name, value));
  return (
    `${DECLARATION}<Error>${element('Code', code)}${element('Message', message)}` +
    details.join('') +
    `${element('Resource', about.resource)}${element('RequestId', about.requestId)}</Error>`
  );
}

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  htmlEntities: true,
  isArray: (name) => ['Part', 'Object', 'Tag'].includes(name),
});

/** An element read from a request: text is a string, children are a record, lists are arrays. */
export type XmlNode = Readonly<Record<string, unknown>>;

/**
 * Reads a request's document.
 *
 * @throws {S3Error} `MalformedXML`, also when the root is another.
 */
export function readXml(text: string, root: string): XmlNode {
  let parsed: unknown;
  try {
    parsed = parser.parse(text);
  } catch {
    throw new S3Error('MalformedXML');
  }
  const node = asNode(parsed)[root];
  if (node === undefined) throw new S3Error('MalformedXML');
  return asNode(node);
}

/** The children of that name; those that are no elements are left out. */
export function children(node: XmlNode, name: string): XmlNode[] {
  const value = node[name];
  return Array.isArray(value) ? value.map(asNode) : value === undefined ? [] : [asNode(value)];
}

export function child(node: XmlNode, name: string): XmlNode {
  return asNode(node[name]);
}

export function text(node: XmlNode, name: string): string | undefined {
  const value = node[name];
  return typeof value === 'string' ? value : undefined;
}

function asNode(value: unknown): XmlNode {
  // The properties of every non-null object can be read; the readers above check their values.
  return typeof value === 'object' && value !== null ? (value as XmlNode) : {};
}
