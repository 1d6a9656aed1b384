import { errors } from 'undici';
import type { Fault } from '../model/fault.ts';
import { ForbiddenAddress } from './connect.ts';
import { TooManyInterimAnswers } from './interim-answers.ts';

/** By the codes of undici and of the operating system: no connection was established. */
const unreachable: ReadonlySet<string> = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_NODATA',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EMFILE',
]);

/** What a failed connection means, and how to say it. */
export function faultOfNetworkError(error: Error): { fault: Fault; message: string } {
  const refusal = error instanceof ForbiddenAddress ? error : error.cause;
  if (refusal instanceof ForbiddenAddress) return { fault: 'refused', message: refusal.message };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (error instanceof errors.HeadersOverflowError) {
    return { fault: 'bad-reply', message: 'the headers of the answer exceed 256 KiB' };
  }
  const isOfNoUse = error instanceof TooManyInterimAnswers;
  const garbled = error instanceof errors.HTTPParserError || isOfNoUse;
  const syscall = 'syscall' in error && typeof error.syscall === 'string' ? error.syscall : '';
  const fault = garbled ? 'bad-reply' : faultOfCode(code, syscall);
  return { fault, message: message(error, code) };
}

function faultOfCode(code: string, syscall: string): Fault {
  // Of a connection that was established: the request may have arrived.
  if (syscall === 'read' || syscall === 'write' || /DECRYPTION_FAILED|BAD_RECORD/.test(code)) {
    return 'interrupted';
  }
  if (unreachable.has(code)) return 'unreachable';
  // A certificate that does not fit: no byte of the request has been sent.
  if (/CERT|^ERR_TLS|^ERR_SSL|SELF_SIGNED|UNABLE_TO|SIGNATURE/.test(code)) return 'unreachable';
  if (code === 'UND_ERR_INVALID_ARG') return 'refused';
  return 'interrupted';
}

function message(error: Error, code: string): string {
  // An attempt at several addresses fails with an AggregateError, which says nothing itself.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  const text = wordsOf(first instanceof Error ? first : error, code);
  return (code === '' || text.includes(code) ? text : `${code} ${text}`).slice(0, 300);
}

/** OpenSSL's own messages name places in its source: the reason alone is for people. */
function wordsOf(error: Error, code: string): string {
  if (!/^ERR_SSL/.test(code) || !('reason' in error) || typeof error.reason !== 'string') {
    return error.message;
  }
  if (code !== 'ERR_SSL_WRONG_VERSION_NUMBER') return error.reason;
  return `${error.reason}: it speaks no TLS there, so that its address may be an http:// one`;
}
