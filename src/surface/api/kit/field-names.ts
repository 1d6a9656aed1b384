import { editDistance } from '../../../platform/base/edit-distance.ts';

/*
 * A misspelt name must not send a key to another place than its owner meant: without `src_endpoint` a task
 * goes to the public cloud. So unknown fields that look like an address, a side of the task or a known field
 * are refused; all others are ignored, since SDKs of other versions send fields of their own.
 */

export interface UnknownField {
  /** Its path in the body: `source_cdn.domian`. */
  readonly path: string;
  /** Whether the request must be refused for it. */
  readonly refused: boolean;
  /** Known fields that may have been meant, the likeliest first. */
  readonly meant: readonly string[];
}

export interface UnknownFields {
  readonly fields: readonly UnknownField[];
  /** Whether the body has more than {@link FIELDS_MAX} fields: the others were not looked at. */
  readonly tooMany: boolean;
}

/** Of a body, whether they are known or not, those of objects in it included. No client sends as many. */
export const FIELDS_MAX = 200;
const DEPTH_MAX = 32;
const EDITS_MAX = 2;
/** A longer name is not a misspelt field, but may still name an endpoint. */
const NAME_LENGTH_MAX = 100;
const MEANT_MAX = 3;

/** How people name the two sides of a task, and what the side is called here. */
const sides: readonly (readonly [prefix: string, side: string])[] = [
  ['src_', 'src_'],
  ['source_', 'src_'],
  ['dst_', 'dst_'],
  ['dest_', 'dst_'],
  ['destination_', 'dst_'],
  ['target_', 'dst_'],
];

/**
 * The fields of a body that its schema does not have, in their order. Fields that are `null` are absent.
 *
 * @param ofOms The fields of OMS: they are never refused.
 */
export function unknownFields(
  body: unknown,
  schema: object,
  ofOms: ReadonlySet<string>,
): UnknownFields {
  const fields: UnknownField[] = [];
  let looked = 0;
  const place = { properties: propertiesOf(schema) ?? {}, inside: '', foreign: false };
  for (const field of walk(body, place, ofOms)) {
    if (++looked > FIELDS_MAX) return { fields, tooMany: true };
    if (field !== undefined) fields.push(field);
  }
  return { fields, tooMany: false };
}

type Properties = Readonly<Record<string, object>>;

/** The fields of an object as TypeBox describes them; undefined for other types. */
function propertiesOf(schema: object): Properties | undefined {
  return 'properties' in schema ? (schema.properties as Properties) : undefined;
}

interface Place {
  readonly properties: Properties;
  /** The path of the object, with a dot at its end. */
  readonly inside: string;
  /** An object that is not known itself: only addresses are looked for in it. */
  readonly foreign: boolean;
}

/** Every field of a body, known ones as undefined. A list of objects is treated like each of its objects. */
function* walk(
  value: unknown,
  place: Place,
  ofOms: ReadonlySet<string>,
  depth = DEPTH_MAX,
): Generator<UnknownField | undefined> {
  if (!isRecord(value) || depth === 0) return;
  for (const [name, content] of Object.entries(value)) {
    if (content === null) continue;
    const isKnown = !place.foreign && Object.hasOwn(place.properties, name);
    yield isKnown ? undefined : judge(name, place, ofOms);
    const contents: readonly unknown[] = Array.isArray(content) ? content.flat(depth) : [content];
    for (const one of contents) yield* walk(one, within(place, name), ofOms, depth - 1);
  }
}

/** The place of what is in a field. */
function within({ properties, inside, foreign }: Place, name: string): Place {
  const path = `${inside}${name}.`;
  const own = foreign || !Object.hasOwn(properties, name) ? undefined : properties[name];
  const known = own === undefined ? undefined : propertiesOf(own);
  return { properties: known ?? properties, inside: path, foreign: known === undefined };
}

/** Undefined for a field of an object that is unknown itself, unless the field names an address. */
function judge(
  name: string,
  { properties, inside, foreign }: Place,
  ofOms: ReadonlySet<string>,
): UnknownField | undefined {
  const path = `${inside}${name}`;
  const isAddress = namesEndpoint(name);
  if (foreign && !isAddress) return undefined;
  if (ofOms.has(name)) return { path, refused: false, meant: [] };
  const { isSuspect, meant } = likeness(name, Object.keys(properties));
  const around = foreign ? '' : inside;
  return { path, refused: isAddress || isSuspect, meant: meant.map((one) => `${around}${one}`) };
}

/** What an unknown name has in common with known fields and with the sides of a task. */
function likeness(
  name: string,
  known: readonly string[],
): { readonly isSuspect: boolean; readonly meant: readonly string[] } {
  const spellings = spellingsOf(name);
  const side = sideOf(spellings);
  const near = nearest(known, [...spellings, ...(side === undefined ? [] : [side.renamed])]);
  const addresses = known.filter((one) => namesEndpoint(one) && one.startsWith(side?.side ?? ''));
  const meant = near.length === 0 && namesEndpoint(name) ? addresses : near;
  return { isSuspect: side !== undefined || near.length > 0, meant: meant.slice(0, MEANT_MAX) };
}

function namesEndpoint(name: string): boolean {
  if (/end[^a-z0-9]{0,3}point/i.test(name)) return true;
  return spellingsOf(name).some((one) => editDistance(one, 'endpoint', EDITS_MAX) !== undefined);
}

/** Which side of a task a name begins with, and the name with what that side is called here. */
function sideOf(
  spellings: readonly string[],
): { readonly side: string; readonly renamed: string } | undefined {
  for (const [prefix, side] of sides) {
    const spelling = spellings.find((one) => one.startsWith(prefix));
    if (spelling !== undefined) return { side, renamed: `${side}${spelling.slice(prefix.length)}` };
  }
  return undefined;
}

/** `srcEndpoint`, `SRC-ENDPOINT` and `src endpoint` as `src_endpoint`, however capitals are meant. */
function spellingsOf(name: string): readonly string[] {
  if (name.length > NAME_LENGTH_MAX) return spellingsOf(name.slice(0, NAME_LENGTH_MAX));
  const text = name.normalize('NFKC');
  const both = [text, text.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')].map((one) =>
    one
      .replaceAll(/[^\p{L}\p{N}]+/gu, '_')
      .replace(/^_/, '')
      .toLowerCase(),
  );
  // With a separator at its end, too: `src_` alone begins like a side of the task.
  return [...new Set([...both, ...both.map((one) => one.replace(/_$/, ''))])];
}

/** The known fields that are the fewest edits away from a spelling. */
function nearest(known: readonly string[], spellings: readonly string[]): readonly string[] {
  const distances = known.map((one) =>
    Math.min(...spellings.map((spelling) => editDistance(spelling, one, EDITS_MAX) ?? Infinity)),
  );
  const least = Math.min(...distances);
  return known.filter((_, index) => distances[index] === least && least <= EDITS_MAX);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
