import { faultOfKey } from '../keys.ts';
import type { S3Dialect } from './dialect.ts';

/** Why a key is not sent to a store; undefined for one that is. */
export function mistakeInKey(key: string, { misreadKeys }: S3Dialect): string | undefined {
  return (
    faultOfKey(key) ?? (misreadKeys?.like.test(key) === true ? misreadKeys.because : undefined)
  );
}
