import { setImmediate } from 'node:timers/promises';
import {
  decodeObjectKey,
  faultOfLength,
  KeyError,
  type KeyUnit,
} from '../../../platform/model/object-key.ts';
import { ServiceError } from '../../service-error.ts';

/** A name of 3 KiB takes some 20 µs; after so many of them others get a turn. */
const DECODED_AT_ONCE = 250;

/** @throws {ServiceError} `bad-object-key`, naming the first that is none. */
export async function decodeKeys(encodedKeys: readonly string[]): Promise<string[]> {
  const keys: string[] = [];
  for (const [index, encoded] of encodedKeys.entries()) {
    if (index > 0 && index % DECODED_AT_ONCE === 0) await setImmediate();
    keys.push(decodeKey(encoded, index));
  }
  return keys;
}

/**
 * Whether all names are short enough for any cloud; else their task's own cloud decides.
 *
 * @throws {ServiceError} `bad-object-key`, naming the first that is too long for it.
 */
export async function checkLengths(
  keys: readonly string[],
  unitOfSource: () => Promise<KeyUnit>,
): Promise<void> {
  if (keys.every((key) => faultOfLength(key, 'bytes') === undefined)) return;
  const unit = await unitOfSource();
  for (const [index, key] of keys.entries()) {
    const fault = faultOfLength(key, unit);
    if (fault !== undefined) throw badKey(index, fault);
  }
}

function decodeKey(encoded: string, index: number): string {
  try {
    return decodeObjectKey(encoded);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    throw badKey(index, error.message, error);
  }
}

function badKey(index: number, message: string, cause?: Error): ServiceError {
  const detail = `[keys[${index}]] ${message}`;
  return new ServiceError('bad-object-key', 'An object key is not valid.', detail, { cause });
}
