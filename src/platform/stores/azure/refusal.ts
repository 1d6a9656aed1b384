import { readXml } from '../../base/xml.ts';
import type { Fault } from '../../model/fault.ts';
import { headerOf, retryAfter } from '../../http/headers.ts';
import type { HttpReply } from '../../http/http.ts';
import { CODE_MAX, faultOfStatus, MESSAGE_MAX } from '../refusals.ts';
import { StoreError, type StoreErrorDetails } from '../../model/store-error.ts';
import { azureFaults, azureHints } from './faults.ts';

/** What the service says when it refuses a request. */
export interface AzureRefusal {
  readonly status: number;
  readonly headers: HttpReply['headers'];
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** The code is a header, so that answers to a HEAD have it; everything else is in the body. */
export function readAzureRefusal({ status, headers }: HttpReply, text: string): AzureRefusal {
  let code = headerOf(headers, 'x-ms-error-code');
  let message: string | undefined;
  try {
    const root = text === '' ? undefined : readXml(text);
    if (root?.name === 'Error') {
      code ??= root.textOf('Code');
      // Then come the request's ID and the time, which are in the headers. Another element has the
      // text that was signed, which is of no use to readers.
      message = root.textOf('Message')?.split('\n')[0]?.trim();
    }
  } catch {
    // No XML: the status must do.
  }
  return { status, headers, code, message };
}

/** What a refusal says that a third party, such as a CDN, passes on. */
export function refusalOfBucket(
  reply: HttpReply,
  text: string,
): { readonly code: string | undefined; readonly fault: Fault | undefined } {
  const { code } = readAzureRefusal(reply, text);
  return { code, fault: code === undefined ? undefined : azureFaults.get(code) };
}

/** Whose refusal it is. */
interface Refuser {
  /** How the request was authorized. */
  readonly authorization: 'key' | 'sas';
  /** Takes out the secrets that it was authorized with. */
  readonly redact: (text: string) => string;
}

const wrongCredentials = {
  key: 'the account key is not that of the account',
  sas: 'the SAS token has expired, is not valid yet, or is not as Azure made it',
};

const writes: ReadonlySet<string> = new Set(['put', 'startParts', 'putPart', 'complete']);

/** "Archive tier blobs cannot be updated": https://rclone.org/azureblob/#azureblob-archive-tier-delete */
const ARCHIVED_THERE =
  'the blob that is there is in the archive, or not out of it yet, and Azure replaces none there: move it to another tier and wait until it is there, or delete it';

export function azureError(
  refusal: AzureRefusal,
  about: StoreErrorDetails,
  { authorization, redact }: Refuser,
  known: Fault = faultOf(refusal),
): StoreError {
  const { status, headers, code } = refusal;
  const archivedThere = known === 'archived' && writes.has(about.operation);
  const fault = archivedThere ? 'refused' : known;
  const ofCode = code === undefined ? undefined : azureHints.get(code);
  const hint = archivedThere ? ARCHIVED_THERE : ofCode;
  const message = fault === 'bad-credentials' ? wrongCredentials[authorization] : refusal.message;
  const text = hint ?? message;
  return new StoreError(fault, {
    ...about,
    status,
    cloudCode: code && redact(code).slice(0, CODE_MAX),
    cloudMessage: text && redact(text).slice(0, MESSAGE_MAX),
    requestId: headerOf(headers, 'x-ms-request-id')?.slice(0, CODE_MAX),
    retryAfterMs: retryAfter(headers),
  });
}

function faultOf({ status, code }: AzureRefusal): Fault {
  return (code === undefined ? undefined : azureFaults.get(code)) ?? faultOfStatus(status);
}
