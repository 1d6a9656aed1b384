import type { Call, Reply } from './call.ts';
import type { Face } from './dialect.ts';
import { headersByFace, speaksS3 } from './face.ts';
import { bosDocument, readBos } from './bos-documents.ts';
import { qingstorDocument, readQingstor } from './qingstor-documents.ts';
import { readDocument } from './payload.ts';
import { readXml, type XmlNode } from './xml.ts';

interface Writing {
  readonly read: (text: string, root: string) => XmlNode;
  readonly write: (xml: string) => string;
  readonly contentType: string;
}

const xml: Writing = { read: readXml, write: (text) => text, contentType: 'application/xml' };

const writings: Readonly<Record<NonNullable<Face['documents']>, Writing>> = {
  bos: { read: readBos, write: bosDocument, contentType: 'application/json; charset=utf-8' },
  qingstor: { read: readQingstor, write: qingstorDocument, contentType: 'application/json' },
};

function writingOf({ documents }: Face): Writing {
  return documents === undefined ? xml : writings[documents];
}

/**
 * Reads the document of a request as the face writes it, by the names of S3's.
 *
 * @throws {S3Error} `MalformedXML`, also when it is another document.
 */
export async function readNode(call: Call, root: string): Promise<XmlNode> {
  return writingOf(call.face).read(await readDocument(call), root);
}

/** A reply, which is made in S3's words, in those of the face. */
export function writtenFor(face: Face, reply: Reply): Reply {
  if (speaksS3(face)) return reply;
  const { headers: own = {}, body } = reply;
  const headers = headersByFace(face, own);
  if (face.documents === undefined || typeof body !== 'string') return { ...reply, headers };
  const { write, contentType } = writingOf(face);
  return { ...reply, headers: { ...headers, 'content-type': contentType }, body: write(body) };
}
