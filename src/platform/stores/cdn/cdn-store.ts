import type { Clock } from '../../base/clock.ts';
import { redactor } from '../../base/redact.ts';
import type { Secret } from '../../base/seal.ts';
import type { Fault } from '../../model/fault.ts';
import type { ObjectHead } from '../../model/object.ts';
import type { CdnAuthenticationType } from '../../model/source-cdn.ts';
import { IGNORES_RANGES } from '../answered-range.ts';
import type { AddressGuard } from '../../http/guard.ts';
import { headerOf } from '../../http/headers.ts';
import type { HttpOptions, HttpReply } from '../../http/http.ts';
import { differenceFrom, problemOfAge } from '../pin.ts';
import { refusalText } from '../refusals.ts';
import type { Connect, Connection } from '../requests.ts';
import type { AccessKey } from '../../signing/access-key.ts';
import { encodeKey } from '../../signing/url-encoding.ts';
import { type CdnSigner, cdnSigner } from '../../signing/cdn.ts';
import type { RefusalReader } from '../provider.ts';
import type { ObjectRead, ReadOptions, Store } from '../store.ts';
import type { ReadBody } from '../../http/bodies.ts';
import { StoreError, type StoreErrorDetails } from '../../model/store-error.ts';
import { forwarding } from '../layers/forwarding.ts';
import { problemOfAnswer, ignoresRange } from './answer.ts';
import { cdnRefusal, type RefusingCdn, staleCdn } from './cdn-refusal.ts';

/** A CDN, and what opens it. */
export interface CdnAddress {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly authenticationType: CdnAuthenticationType;
  /** The CDN's own; undefined where the bucket's access key signs. */
  readonly key: Secret | undefined;
  /** Of Tencent only. */
  readonly appId: string | undefined;
  readonly guard: AddressGuard | undefined;
  /** PEM; trusted instead of the public authorities. */
  readonly ca?: string | undefined;
}

export interface CdnOptions
  extends CdnAddress,
    Pick<HttpOptions, 'lookup' | 'timeouts' | 'sockets'> {
  readonly bucket: string;
  /** What comes before the key in a path at the CDN. */
  readonly root: string;
  readonly credentials: AccessKey;
  /** Understands the bucket's own refusals. */
  readonly readBucket: RefusalReader;
  readonly clock: Clock;
  /** Opens connections to the CDN, which has a pace of its own. */
  readonly connect: Connect;
}

/** Ten digits: the most that any of the signatures takes. */
const RANDOM = 10_000_000_000;

/**
 * A bucket whose bytes are read through a CDN. All else goes to the bucket itself, the head of each
 * read too: it says what the CDN has to give, and a CDN that gives another object, or an older one,
 * fails the read as `stale-cdn`.
 *
 * Between the bucket's answer and the CDN's the object may be replaced: here ETag, size and time
 * decide. {@link comparedWholes} compares what is read whole by the bucket's own checksum.
 *
 * @throws {NoCdnKey} where the type of authentication needs a key, and there is none.
 */
export function throughCdn(bucket: Store, options: CdnOptions): Store {
  const reader = new CdnReader(bucket, options);
  return forwarding(bucket, {
    read: (key, reading, signal) => reader.read(key, reading, signal),
    async [Symbol.asyncDispose]() {
      await Promise.all([reader[Symbol.asyncDispose](), bucket[Symbol.asyncDispose]()]);
    },
  });
}

class CdnReader implements AsyncDisposable {
  readonly #bucket: Store;
  readonly #options: CdnOptions;
  readonly #http: Connection;
  readonly #sign: CdnSigner;
  readonly #refuser: RefusingCdn;

  constructor(bucket: Store, options: CdnOptions) {
    const { origin, key, authenticationType, credentials, readBucket } = options;
    this.#bucket = bucket;
    this.#options = options;
    this.#sign = cdnSigner(authenticationType, key?.reveal(), options);
    const { lookup, timeouts, sockets, ca, guard } = options;
    this.#http = options.connect({ origin, lookup, timeouts, sockets, ca, guard });
    this.#refuser = {
      host: new URL(origin).host,
      authenticationType,
      redact: redactorOf(credentials, key),
      readBucket,
    };
  }

  async read(key: string, options: ReadOptions, signal: AbortSignal): Promise<ObjectRead> {
    const { range, pin, versionId } = options;
    const about = { store: this.#bucket.name, operation: 'read', key };
    const refuse = (fault: Fault, cloudMessage: string): never => {
      throw new StoreError(fault, { ...about, cloudMessage });
    };
    if (versionId !== undefined) return refuse('unsupported', 'a CDN has no versions of an object');
    const head = await this.#bucket.head(key, signal);
    const difference = pin === undefined ? undefined : differenceFrom(pin, head);
    if (difference !== undefined) return refuse('changed', difference);
    const tooYoung = problemOfAge(head, pin, { date: head.date, now: this.#options.clock.now() });
    if (tooYoung !== undefined) {
      const { message: cloudMessage, retryAfterMs } = tooYoung;
      throw new StoreError('changed', { ...about, cloudMessage, retryAfterMs });
    }
    if (range !== undefined && range.first >= head.size) {
      return refuse('refused', `the object has ${head.size} bytes, and no such range`);
    }
    try {
      return await this.#ask({ key, range, about, signal }, (reply) => {
        const body = this.#bodyOf(reply, head, options, about);
        const cdnEtag = headerOf(reply.headers, 'etag');
        return { head: cdnEtag === undefined ? head : { ...head, cdnEtag }, body };
      });
    } catch (error) {
      await this.#checkReadable(error, head, signal);
      throw error;
    }
  }

  /**
   * Some clouds' own domains deny reads of archived objects in undocumented words; the bucket itself
   * reports them in its own.
   *
   * @throws {StoreError} `archived`; or a transient error that keeps the bucket from reporting it.
   */
  async #checkReadable(error: unknown, head: ObjectHead, signal: AbortSignal): Promise<void> {
    const isDenied = error instanceof StoreError && error.fault === 'denied';
    if (!isDenied || (head.tier !== 'ARCHIVE' && head.tier !== 'DEEP_ARCHIVE')) return;
    const range = head.size === 0 ? undefined : { first: 0, last: 0 };
    try {
      const { body } = await this.#bucket.read(head.key, { range }, signal);
      body.discard();
    } catch (own) {
      const isDecisive = !(own instanceof StoreError) || own.fault === 'archived' || own.repeatable;
      if (isDecisive) throw own;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http[Symbol.asyncDispose]();
  }

  async #ask<T>(
    { key, range, about, signal }: CdnRead,
    accept: (reply: HttpReply) => T,
  ): Promise<T> {
    const { clock, root } = this.#options;
    const ranged = range === undefined ? [] : ['range', `bytes=${range.first}-${range.last}`];
    const sign = () => {
      const { path, headers } = this.#sign({
        key,
        path: root + encodeKey(key),
        now: Math.floor(clock.now() / 1000),
        random: Math.floor(clock.random() * RANDOM).toString(),
      });
      return { path, headers: ['accept-encoding', 'identity', ...ranged, ...headers] };
    };
    return await this.#http.send(
      { operation: 'read', method: 'GET', sign, size: 0, about, signal },
      async (reply) => {
        if (reply.status >= 200 && reply.status < 300) return { result: accept(reply) };
        throw cdnRefusal(this.#refuser, reply, await refusalText(reply.body, about), about);
      },
    );
  }

  #bodyOf(
    reply: HttpReply,
    head: ObjectHead,
    { range, pin }: ReadOptions,
    about: StoreErrorDetails,
  ): ReadBody {
    const stale = (message: string) => staleCdn(this.#refuser.host, about, message);
    const problem = problemOfAnswer(reply, head, range, pin?.cdnEtag);
    if (problem === undefined && ignoresRange(reply, head, range)) {
      reply.body.discard();
      throw new StoreError('unsupported', { ...about, cloudMessage: IGNORES_RANGES });
    }
    if (problem !== undefined) {
      reply.body.discard();
      throw stale(problem);
    }
    const { first, last } = { first: 0, last: head.size - 1, ...range };
    const bytes = Math.min(last, head.size - 1) - first + 1;
    reply.expect(bytes, (received) => stale(`it sends ${received} bytes, and not ${bytes}`));
    return reply.body;
  }
}

/** One request to the CDN. */
interface CdnRead {
  readonly key: string;
  readonly range: ReadOptions['range'];
  readonly about: StoreErrorDetails;
  readonly signal: AbortSignal;
}

/** The credentials and the key. */
function redactorOf(
  { accessKeyId, secretAccessKey, sessionToken }: AccessKey,
  key: Secret | undefined,
): (text: string) => string {
  const others = [sessionToken?.reveal(), key?.reveal()].filter((secret) => secret !== undefined);
  return redactor([accessKeyId, secretAccessKey.reveal(), ...others]);
}
