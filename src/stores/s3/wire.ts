import type { Clock } from '../../base/clock.ts';
import type { CloudType } from '../../model/cloud.ts';
import { readXml, type XmlElement } from '../../base/xml.ts';
import { MiB } from '../../base/bytes.ts';
import type { HttpClient, HttpReply, HttpRequest } from '../http.ts';
import { faultOfKey } from '../keys.ts';
import { amzDate, type AwsV4Signer, encodeKey, UNSIGNED_PAYLOAD } from '../sign/aws-v4.ts';
import type { ReadBody } from '../store.ts';
import { StoreError, type StoreErrorDetails } from '../store-error.ts';
import type { S3Dialect } from './dialects.ts';
import { dateOf, headerOf } from './head.ts';
import { codeAndMessage, readRefusal, refusalError, type Refusal } from './refusal.ts';

/** One request in S3's terms. */
export interface S3Request {
  readonly operation: string;
  readonly method: HttpRequest['method'];
  readonly key?: string | undefined;
  /** In canonical form: encoded and sorted. */
  readonly query?: string | undefined;
  /** In pairs, names in lower case, in any order; `host`, date and signature are added. */
  readonly headers?: readonly string[] | undefined;
  readonly content?: HttpRequest['content'];
  /** Bytes of the content. */
  readonly size?: number | undefined;
  /** A store may think about it for minutes, and says nothing meanwhile. */
  readonly slow?: boolean | undefined;
}

export interface WireOptions {
  readonly cloud: CloudType;
  readonly name: string;
  readonly http: HttpClient;
  readonly signer: AwsV4Signer;
  readonly sessionToken: string | undefined;
  readonly host: string;
  /** What comes before the key in a path: `/`, or `/bucket/`. */
  readonly root: string;
  readonly dialect: S3Dialect;
  /** Takes out of the store's words what must not be told. */
  readonly redact: (text: string) => string;
  readonly clock: Clock;
}

const REPLY_BYTES_MAX = 16 * MiB;
const REFUSAL_BYTES_MAX = MiB;
const SLOW_ANSWER_MS = 600_000;
/** Beyond a quarter of an hour clouds refuse a signature's date. */
const SKEW_MS = 600_000;

/** Signs and sends requests of one bucket, and turns refusals into errors. */
export class S3Wire {
  readonly cloud: CloudType;
  readonly name: string;
  readonly dialect: S3Dialect;
  readonly redact: (text: string) => string;
  readonly #options: WireOptions;
  /** How far the store's clock is ahead of ours, once it has complained. */
  #skewMs = 0;
  #second = -1;
  #date = '';

  constructor(options: WireOptions) {
    this.cloud = options.cloud;
    this.name = options.name;
    this.dialect = options.dialect;
    this.redact = options.redact;
    this.#options = options;
  }

  /** Sends a request; any answer but a success rejects. */
  async send(request: S3Request, signal: AbortSignal): Promise<HttpReply> {
    signal.throwIfAborted();
    const { operation, method, key, query = '', content, size = 0 } = request;
    const about: StoreErrorDetails = { store: this.name, operation, key };
    const mistake = key === undefined ? undefined : faultOfKey(key);
    if (mistake !== undefined) throw new StoreError('refused', { ...about, cloudMessage: mistake });
    const path = key === undefined ? this.#options.root : this.#options.root + encodeKey(key);
    const reply = await this.#options.http.send({
      method,
      path: query === '' ? path : `${path}?${query}`,
      headers: this.#signed(method, path, query, request.headers),
      content,
      size,
      about,
      signal,
      headersTimeoutMs: request.slow === true ? SLOW_ANSWER_MS : undefined,
    });
    if (reply.status >= 200 && reply.status < 300) return reply;
    throw await this.#refused(reply, about);
  }

  /** Sends a request whose answer is a document: the element of the given name. */
  async ask(request: S3Request, answer: string, signal: AbortSignal): Promise<DocumentReply> {
    const reply = await this.send(request, signal);
    const about: StoreErrorDetails = {
      store: this.name,
      operation: request.operation,
      key: request.key,
      status: reply.status,
    };
    const text = await this.#text(reply.body, REPLY_BYTES_MAX, about);
    let root: XmlElement;
    try {
      root = readXml(text);
    } catch (cause) {
      throw new StoreError('bad-reply', { ...about, cloudMessage: 'no XML document' }, { cause });
    }
    // A success that turned into a failure after the status had been sent.
    if (root.name === 'Error') {
      const { status, headers } = reply;
      throw this.#error({ status, headers, ...codeAndMessage(root) }, about);
    }
    if (root.name !== answer)
      throw this.badReply(request, `a <${this.redact(root.name).slice(0, 40)}>`);
    return { root, headers: reply.headers };
  }

  badReply({ operation, key }: Pick<S3Request, 'operation' | 'key'>, message: string): StoreError {
    const cloudMessage = this.redact(message);
    return new StoreError('bad-reply', { store: this.name, operation, key, cloudMessage });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.http[Symbol.asyncDispose]();
  }

  #signed(
    method: string,
    path: string,
    query: string,
    own: readonly string[] | undefined,
  ): string[] {
    const { signer, host, sessionToken } = this.#options;
    const date = this.#now();
    const headers = ['x-amz-content-sha256', UNSIGNED_PAYLOAD, 'x-amz-date', date];
    if (sessionToken !== undefined) headers.push('x-amz-security-token', sessionToken);
    if (own !== undefined) headers.push(...own);
    const authorization = signer.authorization({
      method,
      path,
      query,
      headers: own === undefined ? ['host', host, ...headers] : headersToSign(host, headers),
      payloadHash: UNSIGNED_PAYLOAD,
      date,
    });
    headers.push('authorization', authorization);
    return headers;
  }

  /** The date of a request; made once a second. */
  #now(): string {
    const now = this.#options.clock.now() + this.#skewMs;
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#date = amzDate(now);
    }
    return this.#date;
  }

  async #refused(reply: HttpReply, about: StoreErrorDetails): Promise<StoreError> {
    let text = '';
    try {
      text = await this.#text(reply.body, REFUSAL_BYTES_MAX, about);
    } catch (error) {
      // A refusal whose body breaks is a refusal still.
      if (!(error instanceof StoreError)) throw error;
    }
    return this.#error(readRefusal(reply, text), about);
  }

  #error(refusal: Refusal, about: StoreErrorDetails): StoreError {
    const error = refusalError(refusal, about, this);
    const skewed = error.fault === 'clock-skew' || refusal.status === 403;
    return skewed && this.#learnSkew(refusal)
      ? refusalError(refusal, about, this, 'clock-skew')
      : error;
  }

  /** Also from a 403 without a code, as a HEAD has it: there the dates alone tell. */
  #learnSkew({ headers, code }: Refusal): boolean {
    const theirs = dateOf(headerOf(headers, 'date'));
    const told = code === 'RequestTimeTooSkewed' || code === 'RequestExpired';
    if (theirs === undefined || (code !== undefined && !told)) return told;
    const ahead = theirs - this.#options.clock.now();
    if (!told && Math.abs(ahead - this.#skewMs) < SKEW_MS) return false;
    this.#skewMs = ahead;
    return true;
  }

  async #text(body: ReadBody, bytesMax: number, about: StoreErrorDetails): Promise<string> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of body) {
      size += piece.length;
      if (size > bytesMax) {
        throw new StoreError('bad-reply', { ...about, cloudMessage: 'an endless answer' });
      }
      pieces.push(piece);
    }
    return Buffer.concat(pieces, size).toString();
  }
}

export interface DocumentReply {
  readonly root: XmlElement;
  readonly headers: HttpReply['headers'];
}

/** S3 asks for `host` and all `x-amz-` headers; those that a proxy could bend to harm come along. */
function headersToSign(host: string, headers: readonly string[]): string[] {
  const pairs: [string, string][] = [['host', host]];
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    const value = headers[at + 1] ?? '';
    const signed = name.startsWith('x-amz-') || name === 'content-md5' || name === 'content-type';
    if (signed && !/[\x80-\xff]/.test(value)) pairs.push([name, value]);
  }
  return pairs.sort(([a], [b]) => (a < b ? -1 : 1)).flat();
}
