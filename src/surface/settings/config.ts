import { dirname, resolve } from 'node:path';
import type { TSchema } from 'typebox';
import { Settings as TypeBoxSettings } from 'typebox/system';
import { Value } from 'typebox/value';
import { LineCounter, parseDocument } from 'yaml';
import type { TransferSizes } from '../../domain/copy/transfer.ts';
import type { MappedEndpoint } from '../../domain/tasks/endpoints.ts';
import { MiB } from '../../platform/base/bytes.ts';
import { Secret } from '../../platform/base/seal.ts';
import { judge, type NameOf } from './judge.ts';
import { renamedSettings, variableOf } from './names.ts';
import { keysAt, suggestion } from './suggestions.ts';
import { remoteVariables } from './remote-variables.ts';
import { type PlainSettings, hintOfPattern, SettingsSchema } from './config-schema.ts';

type SecretName = 'databaseUrl' | 'secretKey' | 'bootstrapToken' | 'bootstrapAccessKey';

/** Settings that are written in one form and used in another. */
type Converted =
  | SecretName
  | 'oldSecretKeys'
  | 'endpoints'
  | 'attempts'
  | 'backoffBaseMs'
  | 'backoffMaxMs'
  | 'leaseSeconds'
  | 'notFoundSeconds'
  | 'restoreWaitHours'
  | 'putBytes'
  | 'partBytes'
  | 'partConcurrency';

/**
 * All that the operator can decide, in the form in which the program uses it: every part of it is given these
 * settings as they were read. What each means stands in {@link describeSettings}.
 */
export type Settings = Readonly<Omit<PlainSettings, Converted>> & {
  readonly [name in SecretName]: Secret | undefined;
} & {
  readonly oldSecretKeys: readonly Secret[];
  readonly endpoints: readonly MappedEndpoint[];
  readonly sizes: TransferSizes;
  readonly attemptsMax: number;
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  readonly leaseMs: number;
  readonly notFoundWaitMs: number;
  readonly restoreWaitMs: number;
  /** How long a stop lets objects in work end before it gives them back. Not a setting. */
  readonly drainMs: number;
};

/** Objects up to this size are held whole, unless a single PUT may take only less. */
const BUFFER_BYTES = MiB;
const DRAIN_MS = 25_000;

/** Names every mistake in the settings, a line each, and no value: values may be secrets. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly mistakes: readonly string[];

  constructor(mistakes: readonly string[]) {
    super(`the settings have mistakes:\n${mistakes.map((mistake) => `  ${mistake}`).join('\n')}`);
    this.mistakes = mistakes;
  }
}

const PREFIX = 'BRIGADE_';
const CONFIG = `${PREFIX}CONFIG`;
/** Not settings: who starts the service may have exported what its commands take. */
const others: ReadonlySet<string> = new Set([CONFIG, ...Object.values(remoteVariables)]);
const fileOnly: ReadonlySet<string> = new Set(['endpoints', 'oidc']);

type Key = keyof PlainSettings;
const schemas: Readonly<Record<string, TSchema>> = SettingsSchema.properties;
const keys = Object.keys(SettingsSchema.properties) as Key[];

const nameOfVariable: NameOf = (key, within = '') => variableOf(key) + within;

const keysByVariable: ReadonlyMap<string, Key> = new Map(
  keys.filter((key) => !fileOnly.has(key)).map((key) => [variableOf(key), key]),
);

/** The parts of a setting's schema that a table of settings shows. */
interface Described {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly default?: string | number | boolean | readonly unknown[];
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly secret?: boolean;
}

function describedOf(key: string): Described {
  // TypeBox's types do not declare every property that the schema was made with.
  return schemas[key] ?? {};
}

/** What one place, the environment or the file, says; with how it calls each setting. */
interface Given {
  readonly values: Readonly<Record<string, unknown>>;
  readonly mistakes: readonly string[];
  readonly nameOf: NameOf;
}

/** Text that is no whole number stays text, for the schema to refuse: "8 080" is not 8. */
function fromText(key: string, text: string): unknown {
  const { type } = describedOf(key);
  if (type === 'boolean') return text === 'true' || (text === 'false' ? false : text);
  if (type === 'integer') return /^-?\d{1,15}$/.test(text.trim()) ? Number(text) : text;
  if (type !== 'array') return text;
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function readEnvironment(environment: NodeJS.ProcessEnv): Given {
  const values: Record<string, unknown> = {};
  const mistakes: string[] = [];
  for (const [name, text] of Object.entries(environment)) {
    // An empty variable is what a compose file makes of one that is not set.
    if (!name.startsWith(PREFIX) || others.has(name) || text === undefined || text === '') continue;
    const key = keysByVariable.get(name);
    if (key === undefined) mistakes.push(unknownVariable(name));
    else values[key] = fromText(key, text);
  }
  return { values, mistakes, nameOf: nameOfVariable };
}

/** Neither parser may speak for itself: both quote the line, which may hold a secret. */
function parseFile(path: string, text: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'silent' });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line } = lines.linePos(error.pos[0]);
    throw new SettingsError([`${path}: not JSON or YAML, line ${line} (${error.code})`]);
  }
  try {
    return document.toJS() ?? {};
  } catch {
    throw new SettingsError([`${path}: not JSON or YAML`]);
  }
}

async function readConfigFile(path: string, readFile: ReadFile): Promise<Given> {
  let text: string;
  try {
    text = await readFile(path);
  } catch (error) {
    throw new SettingsError([`${CONFIG}: ${path} cannot be read (${codeOf(error)})`]);
  }
  const read = parseFile(path, text);
  if (typeof read !== 'object' || read === null || Array.isArray(read)) {
    throw new SettingsError([`${path}: not a list of names and values`]);
  }
  const nameOf: NameOf = (key, within = '') => `${key}${within} in ${path}`;
  const entries = Object.entries(read as Record<string, unknown>);
  return {
    // `key:` without a value is one that is not set.
    values: Object.fromEntries(entries.filter(([key, value]) => key in schemas && value !== null)),
    mistakes: entries
      .filter(([key]) => !(key in schemas))
      .map(
        ([key]) => renamed(key, nameOf) ?? asVariable(key, nameOf) ?? unknown(key, keys, nameOf),
      ),
    nameOf,
  };
}

type ReadFile = (path: string) => Promise<string>;

const nothing: Given = { values: {}, mistakes: [], nameOf: nameOfVariable };

/**
 * Reads all settings, once, at start: from the environment (`BRIGADE_PART_BYTES`) and, where that
 * says nothing, from the JSON or YAML file that `BRIGADE_CONFIG` names (`partBytes`).
 *
 * @throws {SettingsError} naming every mistake at once, misspelt names too, and no value.
 */
export async function readSettings(
  environment: NodeJS.ProcessEnv,
  readFile: ReadFile,
): Promise<Settings> {
  const outer = readEnvironment(environment);
  const path = environment[CONFIG];
  let inner = nothing;
  let unread: readonly string[] = [];
  if (path !== undefined && path !== '') {
    try {
      inner = await readConfigFile(path, readFile);
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      unread = error.mistakes;
    }
  }
  const nameOf: NameOf = (key, within) => (key in outer.values ? outer : inner).nameOf(key, within);
  const read = Value.Default(SettingsSchema, { ...inner.values, ...outer.values });
  const mistakes = [...outer.mistakes, ...unread, ...inner.mistakes, ...findMistakes(read, nameOf)];
  if (mistakes.length > 0) throw new SettingsError(mistakes);
  // Checked against its schema just now.
  const plain = read as PlainSettings;
  return finish(plain, await readAuthorities(plain, { path, readFile, nameOf }));
}

/** Reads the certificates that endpoints name, from files beside that of the settings. */
async function readAuthorities(
  { endpoints }: PlainSettings,
  place: {
    readonly path: string | undefined;
    readonly readFile: ReadFile;
    readonly nameOf: NameOf;
  },
): Promise<MappedEndpoint[]> {
  const folder = dirname(place.path ?? '.');
  const mistakes: string[] = [];
  const read = endpoints.map(async ({ caFile, ...entry }, index) => {
    if (caFile === undefined) return entry;
    const file = resolve(folder, caFile);
    try {
      return { ...entry, ca: await place.readFile(file) };
    } catch (error) {
      const name = place.nameOf('endpoints', `[${index}].caFile`);
      mistakes.push(`${name}: ${file} cannot be read (${codeOf(error)})`);
      return entry;
    }
  });
  const mapped = await Promise.all(read);
  if (mistakes.length > 0) throw new SettingsError(mistakes);
  return mapped;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'no reason given';
}

/** TypeBox stops at the eighth mistake unless it is set otherwise. */
const MISTAKES_MAX = 1_000;

function findMistakes(read: unknown, nameOf: NameOf): string[] {
  TypeBoxSettings.Set({ maxErrors: MISTAKES_MAX });
  const found = new Set<string>();
  for (const { keyword, instancePath, params, message } of Value.Errors(SettingsSchema, read)) {
    const [key = '', ...rest] = instancePath.split('/').slice(1);
    // The places that lead to a mistake are reported too; the mistake itself comes first.
    if (keyword === 'anyOf' || keyword === 'boolean' || key === '') continue;
    const within = rest.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join('');
    const known = keysAt(instancePath);
    found.add(`${nameOf(key, within)}: ${explain(keyword, params, message, known)}`);
  }
  // Each looks at values of the right type only.
  return [...found, ...judge(read as Partial<PlainSettings>, nameOf)];
}

/** TypeBox's words, with what is allowed where they leave it out. */
function explain(
  keyword: string,
  params: object,
  message: string,
  known: readonly string[],
): string {
  if (keyword === 'enum' && 'allowedValues' in params) {
    return `must be one of ${(params.allowedValues as string[]).join(', ')}`;
  }
  if (keyword === 'additionalProperties' && 'additionalProperties' in params) {
    const names = params.additionalProperties as string[];
    return `no such name: ${names.map((name) => `${shown(name)}${suggestion(name, known, ';')}`).join(', ')}`;
  }
  if (keyword === 'required' && 'requiredProperties' in params) {
    return `must have ${(params.requiredProperties as string[]).join(', ')}`;
  }
  if (keyword === 'pattern' && 'pattern' in params) {
    return hintOfPattern(String(params.pattern)) ?? message;
  }
  return message;
}

function finish(read: PlainSettings, endpoints: readonly MappedEndpoint[]): Settings {
  const sealed = (text: string | undefined) => (text === undefined ? undefined : new Secret(text));
  const { attempts, backoffBaseMs, backoffMaxMs, leaseSeconds, ...waits } = read;
  const { notFoundSeconds, restoreWaitHours, ...plain } = waits;
  const { putBytes, partBytes, partConcurrency, ...others } = plain;
  return Object.freeze({
    ...others,
    databaseUrl: sealed(read.databaseUrl),
    secretKey: sealed(read.secretKey),
    oldSecretKeys: read.oldSecretKeys.map((key) => new Secret(key)),
    bootstrapToken: sealed(read.bootstrapToken),
    bootstrapAccessKey: sealed(read.bootstrapAccessKey),
    endpoints,
    sizes: {
      bufferBytes: Math.min(BUFFER_BYTES, putBytes),
      ...{ putBytes, partBytes, partConcurrency },
    },
    attemptsMax: attempts,
    backoff: { baseMs: backoffBaseMs, maxMs: backoffMaxMs },
    leaseMs: leaseSeconds * 1000,
    notFoundWaitMs: notFoundSeconds * 1000,
    restoreWaitMs: restoreWaitHours * 3_600_000,
    drainMs: DRAIN_MS,
  });
}

function unknownVariable(name: string): string {
  const old = [...renamedSettings.keys()].find((key) => variableOf(key) === name);
  const hint = old === undefined ? undefined : renamed(old, nameOfVariable);
  return hint ?? unknown(name, [...keysByVariable.keys(), CONFIG]);
}

/** What to say of a name that a setting no longer has; undefined for any other name. */
function renamed(key: string, nameOf: NameOf): string | undefined {
  const now = renamedSettings.get(key);
  return now === undefined ? undefined : `${nameOf(key)}: was renamed; set ${nameOf(now)} instead`;
}

/** What to say of a setting that the file calls as the environment does; undefined for any other name. */
function asVariable(name: string, nameOf: NameOf): string | undefined {
  if (!name.toUpperCase().startsWith(PREFIX)) return undefined;
  const meant = keysByVariable.get(name.toUpperCase());
  if (meant !== undefined) return `${nameOf(shown(name))}: no such setting; did you mean ${meant}?`;
  const key = name.slice(PREFIX.length).toLowerCase().replaceAll('_', '');
  return unknown(name, keys, nameOf, key);
}

function unknown(
  name: string,
  known: readonly string[],
  nameOf: NameOf = (key) => key,
  spelling = name,
): string {
  return `${nameOf(shown(name))}: no such setting${suggestion(spelling, known, ';')}`;
}

/** In a file that is badly written a value may have become a name. */
function shown(name: string): string {
  return /^\w{1,40}$/.test(name) ? name : 'a name that cannot be shown';
}

/** One row of the reference table. */
export interface SettingRow {
  /** `BRIGADE_PORT`; undefined for what only the file can say. */
  readonly variable: string | undefined;
  /** `port`, as in the file; undefined for what only the environment can say. */
  readonly key: string | undefined;
  /** What it takes: `integer, 0 to 65535`, `path | virtual-host`. */
  readonly takes: string;
  /** As it would be written; empty when there is none. */
  readonly default: string;
  readonly description: string;
  readonly secret: boolean;
}

/** Every setting, for the reference in the docs and for `brigade settings`. */
export function describeSettings(): SettingRow[] {
  const config: SettingRow = {
    variable: CONFIG,
    key: undefined,
    takes: 'path',
    default: '',
    description: 'File with settings, JSON or YAML; the environment takes precedence',
    secret: false,
  };
  return [config, ...keys.map(describeSetting)];
}

function describeSetting(key: Key): SettingRow {
  const { default: preset, description = '', secret = false } = describedOf(key);
  return {
    variable: fileOnly.has(key) ? undefined : variableOf(key),
    key,
    takes: takes(describedOf(key)),
    default: typeof preset === 'object' ? '' : `${preset ?? ''}`,
    description,
    secret,
  };
}

function takes({ type, enum: allowed, minimum, maximum }: Described): string {
  if (allowed !== undefined) return allowed.join(' | ');
  if (type === 'boolean') return 'true | false';
  if (type === 'integer') return `integer, ${minimum ?? ''} to ${maximum ?? ''}`;
  return type === 'array' ? 'list' : 'text';
}
