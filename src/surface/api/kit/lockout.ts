import type { FastifyRequest } from 'fastify';
import type { Lockouts } from '../../../domain/access/lockouts.ts';
import { addressOf } from './limits.ts';
import { RequestError } from './request-error.ts';
import type { SignatureClaim } from './signature.ts';

/** Of one address, as limits count them: nobody can lock another's key. */
export function lockoutKey(request: FastifyRequest, { accessKeyId }: SignatureClaim): string {
  return `${addressOf(request)} ${accessKeyId}`;
}

/** Says until when, of keys that do not exist too: it tells nothing that the failures before did not. */
export function refuseLockedOut(lockouts: Lockouts, key: string, now: number): void {
  const until = lockouts.outUntil(key);
  if (until === undefined) return;
  const retryAfterSeconds = Math.max(1, Math.ceil((until - now) / 1000));
  throw new RequestError(
    'unauthenticated',
    `AK access failed to reach the limit,forbidden until ${new Date(until).toISOString()}: ` +
      `too many wrong signatures from this address; try again in ${retryAfterSeconds} s`,
    { retryAfterSeconds },
  );
}
