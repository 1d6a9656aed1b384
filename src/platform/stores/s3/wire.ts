import type { Clock } from '../../base/clock.ts';
import type { CloudType } from '../../model/cloud.ts';
import type { XmlElement } from '../../base/xml.ts';
import type { Records } from '../../base/xml-records.ts';
import type { Fault } from '../../model/fault.ts';
import { MiB } from '../../base/bytes.ts';
import type { HeldBytes } from '../held-bytes.ts';
import { type HttpReply, type HttpRequest, SLOW_ANSWER_MS } from '../../http/http.ts';
import { readWhole, refusalText } from '../refusals.ts';
import type { Answer, Connection } from '../requests.ts';
import type { Operation } from '../store.ts';
import { ServerClock } from '../../http/server-clock.ts';
import { canonicalQuery, encodeKey } from '../../signing/url-encoding.ts';
import type { Signer } from '../../signing/request.ts';
import { StoreError, type StoreErrorDetails } from '../../model/store-error.ts';
import type { S3Dialect } from './dialect.ts';
import { type Documents, documents, type RecordsReader } from './documents.ts';
import { mistakeInKey } from './key.ts';
import { readRefusal, refusalError, refusalOf, type Refusal } from './refusal.ts';
import { type Location, relocation } from './relocation.ts';

/** One request in S3's terms. */
export interface S3Request {
  readonly operation: Operation;
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
  /** It is for a scan, as the options of the list say. */
  readonly forScan?: boolean | undefined;
  /** Whether a HEAD that is refused with 403 and no code is worth a GET, whose refusal has one. */
  readonly explained?: boolean | undefined;
  /** The document that an empty answer stands for. */
  readonly emptyAnswer?: string | undefined;
}

export interface WireOptions {
  readonly cloud: CloudType;
  /** The name of the dialect. */
  readonly row: string;
  readonly name: string;
  readonly bucket: string;
  readonly location: Location;
  /** Makes what requests to a place need: connections, and a signer for the region. */
  readonly open: (location: Location) => Place;
  readonly dialect: S3Dialect;
  /** Removes what must not be revealed from the store's words. */
  readonly redact: (text: string) => string;
  readonly clock: Clock;
  /** The bound for streams that are held whole. */
  readonly held: HeldBytes;
}

/** A bucket's address, connections to it, and the signer of its region. */
export interface Place {
  readonly location: Location;
  readonly http: Connection;
  readonly signer: Signer;
  readonly host: string;
  /** What comes before the key in a path: `/`, or `/bucket/`. */
  readonly root: string;
  /** Why no request is sent there: the address cannot carry the bucket's name. */
  readonly mistake: string | undefined;
}

const REPLY_BYTES_MAX = 16 * MiB;

/** Signs and sends requests of one bucket, and turns refusals into errors. */
export class S3Wire {
  readonly cloud: CloudType;
  readonly row: string;
  readonly name: string;
  readonly dialect: S3Dialect;
  readonly redact: (text: string) => string;
  readonly documents: Documents;
  /** Whether it speaks HTTPS, wherever the bucket turns out to be. */
  readonly secure: boolean;
  readonly held: HeldBytes;
  /** Whether the bucket has refused a put or a part without an MD5 of its content. */
  needsMd5 = false;
  readonly #options: WireOptions;
  readonly #clock: ServerClock;
  #place: Place;
  /** The place before the store reported where the bucket is, which is accepted only once. */
  #left: Place | undefined;

  constructor(options: WireOptions) {
    this.cloud = options.cloud;
    this.row = options.row;
    this.name = options.name;
    this.dialect = options.dialect;
    this.documents = documents[options.dialect.documents];
    this.redact = options.redact;
    this.held = options.held;
    this.secure = new URL(options.location.endpoint).protocol === 'https:';
    this.#options = options;
    this.#clock = new ServerClock(options.clock);
    this.#place = options.open(options.location);
  }

  /** Milliseconds since the Unix epoch, by the store's clock as far as it is known. */
  now(): number {
    return this.#clock.now();
  }

  /** The host of another bucket of this region. */
  hostOf(bucket: string): string {
    return `${bucket}.${new URL(this.#place.location.endpoint).host}`;
  }

  /** A query in canonical form; names are S3's. */
  query(parameters: Readonly<Record<string, string | undefined>>): string {
    const { parameter } = this.documents;
    return canonicalQuery(
      Object.fromEntries(
        Object.entries(parameters).map(([name, value]) => [parameter(name), value]),
      ),
    );
  }

  /** Sends a request; any answer but a success rejects. */
  send(request: S3Request, signal: AbortSignal): Promise<HttpReply> {
    return this.#perform(request, signal, async (reply) => reply);
  }

  /** @param accept Reads a success; what it rejects with is what the answer means. */
  async #perform<T>(request: S3Request, signal: AbortSignal, accept: Accept<T>): Promise<T> {
    signal.throwIfAborted();
    const { operation, key, content } = request;
    const about: StoreErrorDetails = { store: this.name, operation, key };
    const mistake = key === undefined ? undefined : mistakeInKey(key, this.dialect);
    if (mistake !== undefined) throw new StoreError('refused', { ...about, cloudMessage: mistake });
    const place = this.#place;
    if (place.mistake !== undefined) {
      throw new StoreError('refused', { ...about, cloudMessage: place.mistake });
    }
    const first = await this.#sendTo(place, { request, about, signal }, accept);
    if ('accepted' in first) return first.accepted;
    const refused = await this.#withDocument(place, request, first, signal);
    if (!this.#follow(refused.refusal, place)) throw this.#error(refused, about);
    if (content !== undefined && !(content instanceof Uint8Array)) {
      // The stream is spent: who has another one is heard where the bucket is.
      throw refusalError(refused.refusal, about, this, 'unavailable');
    }
    const again = await this.#sendTo(this.#place, { request, about, signal }, accept);
    if ('accepted' in again) return again.accepted;
    throw this.#error(again, about);
  }

  /** Sends one HTTP request. */
  #sendTo<T>(
    { http, host, root, signer }: Place,
    { request, about, signal }: Sending,
    accept: Accept<T>,
  ): Promise<Accepted<T> | Refused> {
    const { operation, method, key, query = '', headers, content, size = 0, forScan } = request;
    const name = key === undefined ? '' : encodeKey(key);
    const path = root + name;
    let signedAt = 0;
    const sign = () => {
      signedAt = this.#clock.now();
      const resource = `/${this.#options.bucket}/${name}`;
      return {
        path: query === '' ? path : `${path}?${query}`,
        headers: signer.sign({ method, host, path, resource, query, headers, now: signedAt }),
      };
    };
    const headersTimeoutMs = request.slow === true ? SLOW_ANSWER_MS : undefined;
    return http.send<Accepted<T> | Refused>(
      { operation, method, sign, content, size, about, signal, headersTimeoutMs, forScan },
      async (reply) => {
        if (reply.status >= 200 && reply.status < 300) {
          return { result: { accepted: await accept(reply) } };
        }
        return this.#refused(reply, about, signedAt);
      },
    );
  }

  /**
   * The refusal of a HEAD has no document. That of a GET has one: it says where the bucket is, and whether
   * the credentials are refused or only this request. S3 answers 400 to a HEAD with an expired token.
   */
  async #withDocument(
    place: Place,
    { operation, method, key, query, explained = false }: S3Request,
    refused: Refused,
    signal: AbortSignal,
  ): Promise<Refused> {
    if (method !== 'HEAD') return refused;
    const { refusal } = refused;
    const isElsewhere = refusal.status < 400;
    if (isElsewhere ? this.#left !== undefined : !isMute(refusal, explained)) return refused;
    const about = { store: this.name, operation, key };
    const headers = ['range', 'bytes=0-0'];
    const request: S3Request = { operation, method: 'GET', key, query, headers };
    const answer = await this.#sendTo(place, { request, about, signal }, discarded);
    if ('accepted' in answer) return refused;
    const { code } = answer.refusal;
    const ofCredentials = code !== undefined && this.dialect.faults.get(code) === 'bad-credentials';
    return isElsewhere || ofCredentials ? answer : refused;
  }

  /** Whether there is another place than the one that refused: reported now, or to another request. */
  #follow(refusal: Refusal, place: Place): boolean {
    if (place !== this.#place) return true;
    if (this.#left !== undefined) return false;
    const { bucket, dialect } = this.#options;
    const location = relocation(refusal, dialect, bucket, place.location);
    if (location === undefined) return false;
    this.#left = place;
    this.#place = this.#options.open(location);
    return true;
  }

  /** Sends a request whose answer is a document: the element of the given name. */
  async ask(request: S3Request, answer: string, signal: AbortSignal): Promise<DocumentReply> {
    const read = (bytes: Buffer) => ({ root: this.documents.read(bytes.toString(), answer) });
    return await this.#ask(request, { answer, read }, signal);
  }

  /** The same, of an answer that consists mostly of records. */
  async askRecords<T>(
    request: S3Request,
    { answer, as }: { readonly answer: string; readonly as: RecordsReader<T> },
    signal: AbortSignal,
  ): Promise<DocumentReply & Records<T>> {
    const read = (bytes: Buffer) => this.documents.readRecords(bytes, answer, as);
    return await this.#ask(request, { answer, read }, signal);
  }

  #ask<T extends { readonly root: XmlElement }>(
    request: S3Request,
    document: DocumentReader<T>,
    signal: AbortSignal,
  ): Promise<T & DocumentReply> {
    return this.#perform(request, signal, (reply) => this.#document(request, document, reply));
  }

  async #document<T extends { readonly root: XmlElement }>(
    request: S3Request,
    { answer, read }: DocumentReader<T>,
    reply: HttpReply,
  ): Promise<T & DocumentReply> {
    const about: StoreErrorDetails = {
      store: this.name,
      operation: request.operation,
      key: request.key,
      status: reply.status,
    };
    const document = await readWhole(reply.body, { bytesMax: REPLY_BYTES_MAX, about }, (bytes) => {
      try {
        return read(bytes.length === 0 ? Buffer.from(request.emptyAnswer ?? '') : bytes);
      } catch (cause) {
        const details = { ...about, cloudMessage: 'no such document' };
        throw new StoreError('bad-reply', details, { cause });
      }
    });
    const { root } = document;
    // A success that turned into a failure after the status had been sent.
    if (root.name === 'Error') {
      throw refusalError(refusalOf(reply, root), about, this);
    }
    if (root.name !== answer)
      throw this.badReply(request, `a <${this.redact(root.name).slice(0, 40)}>`);
    return { ...document, headers: reply.headers };
  }

  badReply(request: Pick<S3Request, 'operation' | 'key'>, message: string): StoreError {
    return this.failure('bad-reply', request, message);
  }

  /** The error for a successful answer that does not match the request. */
  failure(
    fault: Fault,
    { operation, key }: Pick<S3Request, 'operation' | 'key'>,
    message: string,
  ): StoreError {
    const cloudMessage = this.redact(message);
    return new StoreError(fault, { store: this.name, operation, key, cloudMessage });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#place.http[Symbol.asyncDispose]();
    await this.#left?.http[Symbol.asyncDispose]();
  }

  async #refused(
    reply: HttpReply,
    about: StoreErrorDetails,
    signedAt: number,
  ): Promise<Answer<Refused>> {
    const refusal = readRefusal(reply, await refusalText(reply.body, about), this.dialect);
    const { fault, details } = refusalError(refusal, about, this);
    const { retryAfterMs } = details;
    return { result: { refusal, signedAt }, refusal: { fault, retryAfterMs } };
  }

  #error({ refusal, signedAt }: Refused, about: StoreErrorDetails): StoreError {
    const error = refusalError(refusal, about, this);
    const skewed = error.fault === 'clock-skew' || refusal.status === 403;
    return skewed && this.#learnSkew(refusal, signedAt)
      ? refusalError(refusal, about, this, 'clock-skew')
      : error;
  }

  /** Also from a 403 without a code, such as the answer to a HEAD: there only the dates show it. */
  #learnSkew({ headers, code }: Refusal, signedAt: number): boolean {
    const { faults, skewHidingCodes } = this.dialect;
    const reported = code !== undefined && faults.get(code) === 'clock-skew';
    const silent = code === undefined || skewHidingCodes.has(code);
    return (reported || silent) && this.#clock.learn(headers, { reported, signedAt });
  }
}

type Accept<T> = (reply: HttpReply) => Promise<T>;

const discarded: Accept<void> = async ({ body }) => body.discard();

/** The name of the element that an answer has to be, and what reads it. */
interface DocumentReader<T> {
  readonly answer: string;
  readonly read: (bytes: Buffer) => T;
}

/** A request, and what its errors and its end need. */
interface Sending {
  readonly request: S3Request;
  readonly about: StoreErrorDetails;
  readonly signal: AbortSignal;
}

interface Accepted<T> {
  readonly accepted: T;
}

interface Refused {
  readonly refusal: Refusal;
  /** By the store's clock, as far as that is known. */
  readonly signedAt: number;
}

function isMute({ status, code }: Refusal, explained: boolean): boolean {
  return code === undefined && (status === 400 || (explained && status === 403));
}

export interface DocumentReply {
  readonly root: XmlElement;
  readonly headers: HttpReply['headers'];
}
