import { faultOfKey } from '../keys.ts';
import type { S3Dialect } from './dialect.ts';

/** Why a key is not sent to a store; undefined for one that is. */
export function mistakeInKey(key: string, { misreadKeys }: S3Dialect): string | undefined {
  const mistake = faultOfKey(key, 'bytes');
  if (mistake !== undefined || typeof misreadKeys !== 'object') return mistake;
  return misreadKeys.find(({ like }) => like.test(key))?.because;
}
