import { Type } from 'typebox';

/** @param keysMax How many names one request may have. */
export const createSyncEventsBody = (keysMax: number) =>
  Type.Object({
    object_keys: Type.Array(Type.String({ minLength: 1, maxLength: 16_384 }), {
      minItems: 1,
      maxItems: keysMax,
      description: 'Object names, each URL-encoded, the slash too; a plus is a space',
    }),
  });
