import type { XmlElement } from '../../base/xml.ts';
import type { Fault } from '../../model/fault.ts';
import { headerOf, retryAfter } from '../../http/headers.ts';
import type { HttpReply } from '../../http/http.ts';
import { CODE_MAX, faultOfStatus, MESSAGE_MAX } from '../refusals.ts';
import { StoreError, type StoreErrorDetails } from '../../model/store-error.ts';
import type { S3Dialect } from './dialect.ts';
import { documents } from './documents.ts';

/** What a store says when it refuses a request. */
export interface Refusal {
  readonly status: number;
  readonly headers: HttpReply['headers'];
  readonly code: string | undefined;
  readonly message: string | undefined;
  /** Where the bucket is, by region or host, where it says so. */
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
}

/**
 * Reads the body of a refusal: a document as a rule, but proxies answer with pages of their own. A
 * HEAD has none, and some stores repeat it in a header.
 */
export function readRefusal(reply: HttpReply, body: string, dialect: S3Dialect): Refusal {
  const { read } = documents[dialect.documents];
  const text = body === '' ? repeatedIn(reply, dialect) : body;
  let error: XmlElement | undefined;
  try {
    const root = text === '' ? undefined : read(text, 'Error');
    error = root?.name === 'Error' ? root : undefined;
  } catch {
    // No document: the status must do.
  }
  return refusalOf(reply, error ?? codeAlone(reply, dialect));
}

/** What a refusal is read from. */
type Told = Pick<XmlElement, 'textOf'>;

function codeAlone({ headers }: HttpReply, { refusalCodeHeader }: S3Dialect): Told | undefined {
  const code = refusalCodeHeader === undefined ? undefined : headerOf(headers, refusalCodeHeader);
  if (code === undefined) return undefined;
  return { textOf: (name) => (name === 'Code' ? code : undefined) };
}

function repeatedIn({ headers }: HttpReply, { refusalHeader }: S3Dialect): string {
  const repeated = refusalHeader === undefined ? undefined : headerOf(headers, refusalHeader);
  return Buffer.from(repeated ?? '', 'base64').toString();
}

/** The parts of an `<Error>` that reveal no secret: that of a wrong signature repeats what was signed. */
export function refusalOf(
  { status, headers }: Pick<HttpReply, 'status' | 'headers'>,
  error: Told | undefined,
): Refusal {
  const code = error?.textOf('Code');
  const region = error?.textOf('Region');
  const endpoint = error?.textOf('Endpoint');
  const where = { region, endpoint };
  if (code === 'SignatureDoesNotMatch') {
    return { status, headers, code, message: 'the secret key is wrong', ...where };
  }
  const message = [error?.textOf('Message'), region ?? endpoint].filter(
    (part) => part !== undefined,
  );
  const words = message.length === 0 ? undefined : message.join(' ');
  return { status, headers, code, message: words, ...where };
}

/** What a refusal says that a third party, such as a CDN, passes on. */
export function refusalOfBucket(
  reply: HttpReply,
  text: string,
  dialect: S3Dialect,
): { readonly code: string | undefined; readonly fault: Fault | undefined } {
  const { code } = readRefusal(reply, text, dialect);
  return { code, fault: code === undefined ? undefined : dialect.faults.get(code) };
}

/** Whose refusal it is. */
interface Refuser {
  readonly dialect: S3Dialect;
  /** Takes out the secrets that it was signed with: a store may say again what it was sent. */
  readonly redact: (text: string) => string;
}

export function refusalError(
  refusal: Refusal,
  about: StoreErrorDetails,
  { dialect, redact }: Refuser,
  fault: Fault = faultOf(refusal, dialect),
): StoreError {
  const { status, headers, code, message } = refusal;
  const requestId = dialect.requestIdHeaders
    .map((name) => headerOf(headers, name))
    .find((id) => id !== undefined);
  return new StoreError(fault, {
    ...about,
    status,
    cloudCode: code && redact(code).slice(0, CODE_MAX),
    cloudMessage: message && redact(message).slice(0, MESSAGE_MAX),
    requestId: requestId && redact(requestId).slice(0, CODE_MAX),
    retryAfterMs: retryAfter(headers),
  });
}

function faultOf({ status, code }: Refusal, { faults, statusFaults }: S3Dialect): Fault {
  const known = (code === undefined ? undefined : faults.get(code)) ?? statusFaults.get(status);
  return known ?? faultOfStatus(status);
}
