import { createHash } from 'node:crypto';
import type { Chance } from '../seeded-random.ts';

/** One key of a bucket, by its number. */
type Naming = (at: number, chance: Chance) => string;

const padded = (at: number, length: number): string => at.toString().padStart(length, '0');
const hash = (at: number): string => createHash('md5').update(at.toString()).digest('hex');
const characters = (count: number, chance: Chance, of: () => number): string =>
  String.fromCodePoint(...Array.from({ length: 1 + chance.below(count) }, of));

/** How buckets name their objects, from the usual to what splits, orders and texts get wrong. */
const namings = {
  'numbers': (at) => padded(at, 8),
  'numbers without zeros': (at) => at.toString(),
  'dates': (at) =>
    `logs/app/${new Date(1.7e12 + at * 7.8e6).toISOString().slice(0, 16).replaceAll('-', '/')}-${at}.gz`,
  'UUIDs': (at) => hash(at).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
  'one deep prefix': (at) => `a/very/deep/prefix/of/everything/2026/11/${at.toString(36)}`,
  'one hot prefix': (at) => (at % 20 === 0 ? `tenants/t${at}` : `tenants/hot/files/${hash(at)}`),
  'a prefix of 1,000 bytes': (at) => `${'long/'.repeat(200)}${padded(at, 6)}`,
  'small directories': (at) => `d${at % 50}/e${at % 7}/${hash(at).slice(0, 6)}`,
  'Chinese': (at) => `资料/${String.fromCodePoint(0x4e00 + ((at * 7_919) % 20_000))}/${at}`,
  'beyond the first plane': (at) => String.fromCodePoint(0x1f300 + at),
  'both sides of the surrogates': (at, chance) =>
    `${characters(3, chance, () => chance.pick([0x1f600, 0xffee, 0xe000, 0xd7ff, 0x10_000]))}${at % 5}`,
  'combining characters': (at) =>
    `${at % 2 === 0 ? '\u00e9' : 'e\u0301'}/${at >> 1}${'\u0301'.repeat(at % 3)}`,
  'control characters': (at, chance) =>
    characters(3, chance, () => 1 + chance.below(31)) + (at % 2 === 0 ? '' : '\u007f'),
  'prefixes of others': (at) => 'abc/'.repeat(1 + (at % 60)).slice(0, 1 + (at % 240)),
  'runs of slashes': (at) => `${'/'.repeat(at % 9)}${at % 3}${'/'.repeat(at % 11)}${at >> 4}`,
  'the last character': (at) => `${'\u{10FFFF}'.repeat(1 + (at % 12))}${at % 4 === 0 ? at : ''}`,
  'keys of 1,024 bytes': (at) => padded(at, 4).padEnd(1_024, at % 2 === 0 ? 'z' : '!'),
  'upper and lower case': (at) => `${at % 2 === 0 ? 'A' : 'a'}${hash(at).slice(0, 2)}-_. ${at}`,
  'any text': (_, chance) =>
    characters(8, chance, () => 1 + chance.below(chance.pick([0x7f, 0xd7fe, 0xd7fe]))),
  'no texts among texts': (at) => (at % 17 === 3 ? `bad\0${at}` : `bad${padded(at, 5)}`),
  'one key': () => 'the only one',
} as const satisfies Readonly<Record<string, Naming>>;

export type Distribution = keyof typeof namings;

export const distributions = Object.keys(namings) as readonly Distribution[];

/** At most `count` distinct keys; some distributions have fewer. */
export function keysOf(distribution: Distribution, count: number, chance: Chance): string[] {
  const naming: Naming = namings[distribution];
  return [...new Set(Array.from({ length: count }, (_, at) => naming(at, chance)))];
}
