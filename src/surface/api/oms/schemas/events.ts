import { Type } from 'typebox';

/** Beyond any quota: how many names one event may have is a matter of its project. */
export const KEYS_BOUND = 10_000;

export const CreateSyncEventsBody = Type.Object({
  object_keys: Type.Array(Type.String({ minLength: 1, maxLength: 16_384 }), {
    minItems: 1,
    maxItems: KEYS_BOUND,
    description: 'Object keys, each URL-encoded, including slashes; a plus sign stands for a space',
  }),
});
