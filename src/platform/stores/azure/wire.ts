import { MiB } from '../../base/bytes.ts';
import type { Clock } from '../../base/clock.ts';
import { readXml, type XmlElement } from '../../base/xml.ts';
import type { CloudType } from '../../model/cloud.ts';
import type { Fault } from '../../model/fault.ts';
import { type HttpReply, type HttpRequest, SLOW_ANSWER_MS } from '../../http/http.ts';
import { faultOfKey } from '../keys.ts';
import { refusalText, textOf } from '../refusals.ts';
import type { Connection } from '../requests.ts';
import type { Operation } from '../store.ts';
import { ServerClock } from '../../http/server-clock.ts';
import { canonicalQuery } from '../../signing/url-encoding.ts';
import { AzureSharedKeySigner } from '../../signing/azure-shared-key.ts';
import { StoreError, type StoreErrorDetails } from '../../model/store-error.ts';
import type { AzureCredentials } from '../../signing/azure-credentials.ts';
import type { AzureDialect } from './dialects.ts';
import { azureError, type AzureRefusal, readAzureRefusal } from './refusal.ts';

/** One request in Azure's terms. */
export interface AzureRequest {
  readonly operation: Operation;
  readonly method: HttpRequest['method'];
  readonly key?: string | undefined;
  /** The store's own unless given. */
  readonly container?: string | undefined;
  /** Decoded; those without a value are not sent. */
  readonly query?: Readonly<Record<string, string | undefined>> | undefined;
  /** In pairs, names in lower case, values in ASCII; date, version and signature are added. */
  readonly headers?: readonly string[] | undefined;
  readonly content?: HttpRequest['content'];
  /** Bytes of the content. */
  readonly size?: number | undefined;
  /** It is for a scan, as the options of the list say. */
  readonly forScan?: boolean | undefined;
  /** The service may think about it for minutes, and says nothing meanwhile. */
  readonly slow?: boolean | undefined;
}

export interface AzureWireOptions {
  readonly cloud: CloudType;
  readonly name: string;
  readonly http: Connection;
  readonly credentials: AzureCredentials;
  /** Scheme, host and port. */
  readonly origin: string;
  /** What comes before the container in a path: nothing, or `/account`. */
  readonly base: string;
  readonly container: string;
  readonly dialect: AzureDialect;
  /** Removes what must not be revealed from the service's words. */
  readonly redact: (text: string) => string;
  readonly clock: Clock;
}

const REPLY_BYTES_MAX = 32 * MiB;

/** Authorizes and sends requests of one container, and turns refusals into errors. */
export class AzureWire {
  readonly cloud: CloudType;
  readonly name: string;
  readonly dialect: AzureDialect;
  readonly clock: Clock;
  readonly credentials: AzureCredentials;
  readonly #options: AzureWireOptions;
  readonly #signer: AzureSharedKeySigner | undefined;
  readonly #serverClock: ServerClock;

  constructor(options: AzureWireOptions) {
    this.cloud = options.cloud;
    this.name = options.name;
    this.dialect = options.dialect;
    this.clock = options.clock;
    this.credentials = options.credentials;
    this.#options = options;
    this.#serverClock = new ServerClock(options.clock);
    if (options.credentials.kind === 'key') {
      this.#signer = new AzureSharedKeySigner(options.credentials);
    }
  }

  /** Sends a request; any answer but a success rejects. */
  send(request: AzureRequest, signal: AbortSignal): Promise<HttpReply> {
    return this.#perform(request, signal, async (reply) => reply);
  }

  /** @param accept Reads a success; what it rejects with is what the answer means. */
  async #perform<T>(
    request: AzureRequest,
    signal: AbortSignal,
    accept: (reply: HttpReply) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    const { operation, method, key, content, size = 0, query = {}, forScan } = request;
    const about: StoreErrorDetails = { store: this.name, operation, key };
    const mistake = key === undefined ? undefined : faultOfBlobName(key);
    if (mistake !== undefined) throw new StoreError('refused', { ...about, cloudMessage: mistake });
    const path = this.#pathOf(request.container ?? this.#options.container, key);
    const search = this.#search(query);
    let now = 0;
    const sign = () => {
      now = this.#serverClock.now();
      const headers = this.#authorized({ method, path, query, size, now }, request.headers);
      return { path: search === '' ? path : `${path}?${search}`, headers };
    };
    const headersTimeoutMs = request.slow === true ? SLOW_ANSWER_MS : undefined;
    return await this.#options.http.send(
      { operation, method, sign, content, size, about, signal, headersTimeoutMs, forScan },
      async (reply) => {
        if (reply.status >= 200 && reply.status < 300) return { result: await accept(reply) };
        throw await this.#refused(reply, about, now);
      },
    );
  }

  /** Sends a request whose answer is a document: the element of the given name. */
  ask(request: AzureRequest, answer: string, signal: AbortSignal): Promise<XmlElement> {
    return this.#perform(request, signal, (reply) => this.#document(request, answer, reply));
  }

  async #document(request: AzureRequest, answer: string, reply: HttpReply): Promise<XmlElement> {
    const { operation, key } = request;
    const about = { store: this.name, operation, key, status: reply.status };
    const text = await textOf(reply.body, REPLY_BYTES_MAX, about);
    let root: XmlElement;
    try {
      root = readXml(text);
    } catch (cause) {
      throw new StoreError('bad-reply', { ...about, cloudMessage: 'no XML document' }, { cause });
    }
    if (root.name === answer) return root;
    throw this.badReply(request, `a <${root.name.slice(0, 40)}>`);
  }

  badReply(request: Pick<AzureRequest, 'operation' | 'key'>, message: string): StoreError {
    return this.failure('bad-reply', request, message);
  }

  /** The error for a successful answer that does not match the request. */
  failure(
    fault: Fault,
    { operation, key }: Pick<AzureRequest, 'operation' | 'key'>,
    message: string,
  ): StoreError {
    const cloudMessage = this.#options.redact(message);
    return new StoreError(fault, { store: this.name, operation, key, cloudMessage });
  }

  /** A blob's address, without what would authorize its reading. */
  urlOf(container: string, key: string): string {
    return this.#options.origin + this.#pathOf(container, key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.http[Symbol.asyncDispose]();
  }

  #pathOf(container: string, key: string | undefined): string {
    const path = `${this.#options.base}/${container}`;
    return key === undefined ? path : `${path}/${encodeBlobName(key)}`;
  }

  #search(query: Readonly<Record<string, string | undefined>>): string {
    const own = canonicalQuery(query);
    if (this.credentials.kind === 'key') return own;
    const token = this.credentials.token.reveal();
    return own === '' ? token : `${own}&${token}`;
  }

  #authorized(
    request: Pick<HttpRequest, 'method' | 'path' | 'size'> & {
      readonly query: Readonly<Record<string, string | undefined>>;
      readonly now: number;
    },
    own: readonly string[] = [],
  ): string[] {
    const date = new Date(request.now).toUTCString();
    const headers = ['x-ms-version', this.dialect.version, 'x-ms-date', date, ...own];
    const authorization = this.#signer?.authorization({ ...request, headers });
    if (authorization !== undefined) headers.push('authorization', authorization);
    return headers;
  }

  async #refused(
    reply: HttpReply,
    about: StoreErrorDetails,
    signedAt: number,
  ): Promise<StoreError> {
    const text = await refusalText(reply.body, about);
    const refusal = readAzureRefusal(reply, text);
    const refuser = { authorization: this.credentials.kind, redact: this.#options.redact };
    const skewed = this.credentials.kind === 'key' && reply.status === 403;
    return skewed && this.#learnSkew(refusal, signedAt)
      ? azureError({ ...refusal, message: 'the clocks differ' }, about, refuser, 'clock-skew')
      : azureError(refusal, about, refuser);
  }

  /** The code is the same for a wrong key and a wrong date: the dates show which it is. */
  #learnSkew({ headers, code }: AzureRefusal, signedAt: number): boolean {
    const silent = code === undefined || code === 'AuthenticationFailed';
    return silent && this.#serverClock.learn(headers, { reported: false, signedAt });
  }
}

/** As Microsoft's own clients encode it: each segment by itself. */
export function encodeBlobName(key: string): string {
  return encodeURIComponent(key).replaceAll('%2F', '/');
}

/**
 * What is wrong with a name that the service would take for another one.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
 */
function faultOfBlobName(key: string): string | undefined {
  const mistake = faultOfKey(key, 'characters');
  if (mistake !== undefined) return mistake;
  // Azurite's source, blobStorageContext.middleware.ts: "Azure Storage Server will replace \ with /".
  if (key.includes('\\')) return 'Azure would make a slash of the backslash in this key';
  // It would be looked for in another folder, or in another container.
  if (/(?:^|\/)\.{1,2}(?:\/|$)/.test(key))
    return 'URLs cannot name a key with "." or ".." segments';
  return undefined;
}
