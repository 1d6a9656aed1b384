import type { Fault } from '../../model/fault.ts';
import { headerOf, retryAfter } from '../../http/headers.ts';
import type { HttpReply } from '../../http/http.ts';
import { CODE_MAX, faultOfStatus } from '../refusals.ts';
import { StoreError, type StoreErrorDetails } from '../../model/store-error.ts';
import type { RefusalReader } from '../provider.ts';
import { word } from './answer.ts';

export interface RefusingCdn {
  /** Host and port. */
  readonly host: string;
  /** For messages: what to check when the CDN rejects requests. */
  readonly authenticationType: string;
  /** Takes out the secrets that requests were signed with. */
  readonly redact: (text: string) => string;
  readonly readBucket: RefusalReader;
}

/** Of an object that the bucket has: so the CDN has an older state, or another bucket. */
const stale: ReadonlySet<number> = new Set([404, 410, 416]);

/** What a bucket says through the CDN; of all else the CDN is to be looked at first. */
const ofBucket: ReadonlySet<Fault> = new Set<Fault>(['archived', 'throttled']);

const REASON_MAX = 200;

/** The error for what is not the bucket's object, or an older one. */
export function staleCdn(host: string, about: StoreErrorDetails, message: string): StoreError {
  return new StoreError('stale-cdn', { ...about, cloudMessage: `the CDN ${host}: ${message}` });
}

/** The error for an answer that is not a success; it names the CDN and what to check there. */
export function cdnRefusal(
  cdn: RefusingCdn,
  reply: HttpReply,
  text: string,
  about: StoreErrorDetails,
): StoreError {
  const { code, fault: bucketFault } = cdn.readBucket(reply, text);
  const { status, headers } = reply;
  const fault =
    bucketFault !== undefined && ofBucket.has(bucketFault) ? bucketFault : faultOf(status);
  // Aliyun's CDN says there why it denies a request.
  const reason = headerOf(headers, 'x-tengine-error');
  const said = reason === undefined ? '' : ` (${word(cdn.redact(reason)).slice(0, REASON_MAX)})`;
  return new StoreError(fault, {
    ...about,
    status,
    cloudCode: code && cdn.redact(code).slice(0, CODE_MAX),
    cloudMessage: `${messageOf(cdn, status, headers)}${said}`,
    retryAfterMs: retryAfter(headers),
  });
}

function faultOf(status: number): Fault {
  if (stale.has(status)) return 'stale-cdn';
  return isRedirect(status) ? 'refused' : faultOfStatus(status);
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

function messageOf(
  { host, authenticationType }: RefusingCdn,
  status: number,
  headers: HttpReply['headers'],
): string {
  const cdn = `the CDN ${host}`;
  if (isRedirect(status)) {
    return `${cdn} redirects to ${placeOf(headers)}, and redirects are not followed: disable them at the CDN, or name the protocol and domain of their target`;
  }
  if (status === 401 || status === 403) {
    return `${cdn} rejected a request with the authentication type ${authenticationType}: check the type, its key and the validity of signatures at the CDN, and that no hotlink protection requires a Referer or an address`;
  }
  if (status === 404 || status === 410) {
    return `${cdn} does not have the object, and the bucket has it: check that the domain serves this bucket`;
  }
  if (status === 416) return `${cdn} has a shorter object than the bucket`;
  return `${cdn} answered with status ${status}`;
}

/** Where a redirect leads, without what may be signed. */
function placeOf(headers: HttpReply['headers']): string {
  const location = headerOf(headers, 'location') ?? '';
  return URL.canParse(location) ? word(new URL(location).origin) : 'another path';
}
