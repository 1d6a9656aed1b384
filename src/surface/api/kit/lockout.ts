import type { FastifyRequest } from 'fastify';
import type { Lockouts } from '../../../domain/access/lockouts.ts';
import { addressOf, type Limits } from './limits.ts';
import { RequestError } from './request-error.ts';
import type { SignatureClaim } from './signature.ts';

/** Of a key at one address, as limits count addresses, so that no caller can lock out another. */
export function lockoutKey(request: FastifyRequest, { accessKeyId }: SignatureClaim): string {
  return `${addressOf(request)} ${accessKeyId}`;
}

/**
 * Refuses a key that failed too often, also one that does not exist: the answer reveals nothing that the
 * failures before it did not.
 */
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

/** Counts a signature that is wrong, or whose body did not arrive whole, so that each attempt has a price. */
export async function countFailure(
  request: FastifyRequest,
  claim: SignatureClaim,
  { lockouts, limits }: { readonly lockouts: Lockouts; readonly limits: Limits },
): Promise<void> {
  limits.wrong(request);
  await lockouts.failed(lockoutKey(request, claim));
}
