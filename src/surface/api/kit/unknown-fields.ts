import type { FastifyBaseLogger } from 'fastify';
import fp from 'fastify-plugin';
import { FIELDS_MAX, type UnknownField, unknownFields } from './field-names.ts';
import { omsRequestFields } from './oms-fields.ts';
import { invalid } from './validation.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body has keys of stores: a field that may be misspelt is refused instead of ignored. */
    refusesMisspelt?: boolean;
    /** Fields that other calls have, and that nothing changes later. */
    neverChanges?: readonly string[];
  }
  interface FastifyRequest {
    /** Fields of the body that are not known and were ignored, by their paths. */
    ignoredFields?: readonly string[];
  }
}

const LOGGED_MAX = 200;
const PATH_LENGTH_MAX = 64;
const REFUSED_MAX = 5;
const NOTED_MAX = 10;

/**
 * Finds the fields of a body that no schema knows. Where the body has keys of stores, those that may be
 * misspelt are refused. All others are ignored: each is logged once in the life of the server, and named in a
 * later refusal of its request, always without its value.
 */
export const unknownFieldWatch = fp<{ readonly log: FastifyBaseLogger }>(
  async (app, { log }) => {
    const logged = new Set<string>();

    function logOnce(field: string): void {
      if (logged.has(field) || logged.size >= LOGGED_MAX) return;
      logged.add(field);
      log.info({ event: 'api.field-ignored', field }, 'ignored');
    }

    app.addHook('preValidation', function findUnknownFields(request, _reply, done) {
      const fixed = fieldOf(request.body, request.routeOptions.config.neverChanges ?? []);
      if (fixed !== undefined) {
        done(invalid(fixed, 'cannot be changed: create another one with the value that you want'));
        return;
      }
      const schema = request.routeOptions.schema?.body as BodySchema | undefined;
      // A schema that allows no other fields refuses them by itself.
      if (schema?.properties === undefined || schema.additionalProperties === false) {
        done();
        return;
      }
      const { refusesMisspelt = false } = request.routeOptions.config;
      const { fields, tooMany } = unknownFields(request.body, schema, omsRequestFields);
      const refused = fields.filter((field) => refusesMisspelt && field.refused);
      if (refusesMisspelt && tooMany) {
        done(invalid('body', `must not have more than ${FIELDS_MAX} fields`));
        return;
      }
      const ignored = fields.filter((field) => !refused.includes(field)).map(nameOf);
      request.ignoredFields = ignored;
      ignored.forEach(logOnce);
      const [first, ...others] = refused;
      done(first === undefined ? undefined : refusal(first, others));
    });
  },
  { name: 'unknown-field-watch' },
);

function fieldOf(body: unknown, names: readonly string[]): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  return names.find((name) => Object.hasOwn(body, name));
}

interface BodySchema {
  readonly properties?: object;
  readonly additionalProperties?: unknown;
}

/** A path in a form that is safe to print. */
function nameOf({ path }: Pick<UnknownField, 'path'>): string {
  return path.slice(0, PATH_LENGTH_MAX).replaceAll(/[^\x20-\x7e]/g, '?');
}

function refusal(first: UnknownField, others: readonly UnknownField[]) {
  const more = others.slice(0, REFUSED_MAX - 1).map((one) => `[${nameOf(one)}] ${ruleOf(one)}`);
  const rest = others.length - more.length;
  const rules = [ruleOf(first), ...more, ...(rest > 0 ? [`and ${rest} more like these`] : [])];
  return invalid(nameOf(first), rules.join('; '));
}

function ruleOf({ meant }: UnknownField): string {
  if (meant.length === 0) return 'is not a field of this call';
  return `is not a field of this call; did you mean ${meant.map((one) => `[${one}]`).join(' or ')}?`;
}

/** What a refusal adds about fields that were ignored; undefined where there were none. */
export function noteOnIgnored(fields: readonly string[]): string | undefined {
  if (fields.length === 0) return undefined;
  const named = fields.slice(0, NOTED_MAX).map((field) => `[${field}]`);
  const rest = fields.length - named.length;
  const names = [...named, ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
  return `Unknown fields of the body were ignored: ${names}.`;
}
