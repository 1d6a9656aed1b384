import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);

/** 32 MiB and some tens of milliseconds for each guess. */
const N = 2 ** 15;
const R = 8;
const P = 1;
const BYTES = 32;
const MEMORY_MAX = 64 * 1024 * 1024;

/** Hashes a password with scrypt: `scrypt$N$r$p$salt$hash`, so that costs can be raised later. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password.normalize('NFKC'), salt, BYTES, {
    N,
    r: R,
    p: P,
    maxmem: MEMORY_MAX,
  });
  return ['scrypt', N, R, P, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** Whether a password is the one that was hashed. */
export async function isPassword(password: string, hashed: string): Promise<boolean> {
  const [kind, n, r, p, salt = '', hash = ''] = hashed.split('$');
  if (kind !== 'scrypt') return false;
  const expected = Buffer.from(hash, 'base64url');
  const actual = await derive(
    password.normalize('NFKC'),
    Buffer.from(salt, 'base64url'),
    expected.length,
    { N: Number(n), r: Number(r), p: Number(p), maxmem: MEMORY_MAX },
  );
  return timingSafeEqual(actual, expected);
}
