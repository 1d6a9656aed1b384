import { isUtf8 } from 'node:buffer';
import { invalid } from './validation.ts';

/** The end of a page of the object list, in a form that is opaque to clients: it encodes a key. */
export function toCursor(key: string): string {
  return Buffer.from(key, 'utf8').toString('base64url');
}

/** @throws {RequestError} for what {@link toCursor} did not make. */
export function fromCursor(cursor: string): string {
  const bytes = Buffer.from(cursor, 'base64url');
  const ours = bytes.toString('base64url') === cursor && isUtf8(bytes) && !bytes.includes(0);
  if (!ours) throw invalid('cursor', 'is not the next_cursor of another page');
  return bytes.toString('utf8');
}
