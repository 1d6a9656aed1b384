import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import ts from 'typescript';
import { cloudTypes } from '../src/platform/model/cloud.ts';

/** Style that matters is a test: what a reviewer has to remember is soon forgotten. */

const root = join(import.meta.dirname, '..');

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

function filesOf(pattern: string): SourceFile[] {
  return globSync(pattern, { cwd: root })
    .filter((path) => !path.includes('node_modules/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

const all = ['src', 'test', 'bench', 'examples'].flatMap((folder) => filesOf(`${folder}/**/*.ts`));
/** What is shipped: neither tests nor what only tests use. */
const product = all.filter(
  ({ path }) => path.startsWith('src/') && !/\.test\.ts$|\/testing\.ts$/.test(path),
);

/** Every place that a pattern finds, as `path:line: text`, comments aside. */
function places(files: readonly SourceFile[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const code = line.replace(/(?:^|\s)(?:\/\/|\/?\*).*$/, '');
      return pattern.test(code) ? [`${path}:${index + 1}: ${line.trim()}`] : [];
    }),
  );
}

/** The files that a file imports, types too, as paths from the root. */
function importsOf({ path, text }: SourceFile): string[] {
  const pattern = /(?:from|import\(?)\s*'(\.[^']+)'/g;
  return Array.from(text.matchAll(pattern), ([, target = '']) => join(dirname(path), target));
}

/**
 * The strata, lowest first. A folder imports from strata below its own, from itself, and from those
 * folders of its own stratum that are named here. What lies directly in a stratum serves all of it.
 */
const strata: readonly Readonly<Record<string, readonly string[]>>[] = [
  {
    'platform/base': [],
    'platform/model': ['platform/base'],
    'platform/signing': ['platform/base', 'platform/model'],
    'platform/http': ['platform/base', 'platform/model'],
    'platform/postgres': ['platform/base'],
    'platform/stores': ['platform/base', 'platform/model', 'platform/signing', 'platform/http'],
  },
  {
    'domain': [],
    'domain/fleet': ['domain'],
    'domain/queue': ['domain'],
    'domain/copy': ['domain', 'domain/queue'],
    'domain/access': ['domain'],
    'domain/scan': ['domain', 'domain/queue'],
    'domain/tasks': ['domain', 'domain/queue', 'domain/copy', 'domain/scan', 'domain/access'],
    'domain/maintenance': [
      'domain',
      'domain/fleet',
      'domain/queue',
      'domain/copy',
      'domain/scan',
      'domain/access',
      'domain/tasks',
    ],
  },
  {
    'surface/settings': [],
    'surface/api': ['surface/settings'],
    'surface/app': ['surface/settings', 'surface/api'],
    'surface/cli': ['surface/settings', 'surface/api', 'surface/app'],
  },
];

/** The stratum's folder that a file of the product is in. */
function folderOf(path: string): string {
  const [, stratum = '', folder = '', ...more] = path.split('/');
  return more.length === 0 ? stratum : `${stratum}/${folder}`;
}

function stratumOf(folder: string): number {
  const stratum = strata.findIndex((folders) => folder in folders);
  assert.notEqual(stratum, -1, `give the folder "${folder}" a place among the strata first`);
  return stratum;
}

function mayImport(folder: string, imported: string): boolean {
  const [own, other] = [stratumOf(folder), stratumOf(imported)];
  return folder === imported || other < own || strata[own]?.[folder]?.includes(imported) === true;
}

describe('imports', () => {
  test('only go down, or along the list', () => {
    for (const file of product) {
      for (const imported of importsOf(file)) {
        assert.ok(imported.startsWith('src/'), `${file.path} imports from outside: ${imported}`);
        const allowed = mayImport(folderOf(file.path), folderOf(imported));
        assert.ok(allowed, `${file.path} imports up or sideways: ${imported}`);
      }
    }
  });

  test('of a store’s protocol are in its folder, and in the list of providers', () => {
    const protocols = /^src\/platform\/stores\/(s3|azure)\//;
    for (const { path, text } of product) {
      for (const imported of importsOf({ path, text })) {
        const [folder] = protocols.exec(imported) ?? [];
        if (folder === undefined || path === 'src/platform/stores/providers.ts') continue;
        assert.ok(path.startsWith(folder), `${path} imports ${imported}: ask the provider`);
      }
    }
  });

  test('of the HTTP server are in the surface only', () => {
    const files = product.filter(({ path }) => !path.startsWith('src/surface/'));
    assert.deepEqual(places(files, /from '(?:fastify|@fastify)/), []);
  });

  test('make no circles, within a folder either', () => {
    const byPath = new Map(product.map((file) => [file.path, importsOf(file)]));
    const done = new Set<string>();
    function visit(path: string, above: readonly string[]): void {
      const begin = above.indexOf(path);
      assert.equal(begin, -1, `a circle: ${[...above.slice(begin), path].join(' → ')}`);
      if (done.has(path)) return;
      for (const imported of byPath.get(path) ?? []) visit(imported, [...above, path]);
      done.add(path);
    }
    for (const path of byPath.keys()) visit(path, []);
  });

  test('are seen by this test', () => {
    const imports = product.flatMap(importsOf);
    assert.ok(imports.length > product.length);
    for (const imported of imports) {
      assert.ok(
        product.some(({ path }) => path === imported),
        `${imported} is imported and not there, or only there for tests`,
      );
    }
  });
});

test('every file is a part of the product: another imports it', () => {
  const imported = new Set(product.flatMap(importsOf));
  const alone = product.filter(({ path }) => !imported.has(path)).map(({ path }) => path);
  assert.deepEqual(alone, ['src/surface/cli/main.ts']);
});

test('no file is longer than 400 lines', () => {
  for (const { path, text } of all) {
    const lines = text.trimEnd().split('\n').length;
    assert.ok(lines <= 400, `${path} has ${lines} lines`);
  }
});

for (const [what, pattern, where] of [
  ['the environment', /\bprocess\.env\b/, 'surface/cli'],
  ['the clock', /\bDate\.now\(\)|\bnew Date\(\)|\bperformance\.now\(\)/, 'platform/base'],
  [
    'a timer',
    /\bset(?:Timeout|Interval)\b|\bsetTimeout as\b|\bAbortSignal\.timeout\b/,
    'platform/base',
  ],
  ['chance', /\bMath\.random\(\)/, 'platform/base'],
] as const) {
  test(`${what} is read in src/${where} only: elsewhere it is an argument`, () => {
    const files = product.filter(({ path }) => folderOf(path) !== where);
    assert.deepEqual(places(files, pattern), []);
    // The pattern finds what it looks for.
    assert.notEqual(places(product, pattern).length, 0);
  });
}

test('the domain gets its clock from the roles that start it', () => {
  const files = product.filter(({ path }) => path.startsWith('src/domain/'));
  assert.deepEqual(places(files, /\bsystemClock\b/), []);
});

/** Real time is what they are about, or the way to what they are about. */
const mayWait: Readonly<Record<string, string>> = {
  'src/platform/http/slow-transfers.test.ts': 'real sockets that carry bytes slowly',
  'src/platform/postgres/data-directory.test.ts': 'a process that runs until it is killed',
  'src/platform/postgres/db.test.ts': 'time limits of statements, by statements that sleep',
  'src/platform/postgres/embedded.test.ts': 'a process that takes its time to stop',
  'src/platform/postgres/migrate.test.ts':
    'a migration that lasts, so that two processes meet in it',
  'src/surface/api/kit/connections.test.ts': 'time limits of real sockets, by slow clients',
  'test/conformance/s3-server-faults.test.ts': 'a server that is silent shows itself by time only',
  'test/kit/oms-client.ts': 'polls the API, as users do',
  'test/kit/probe/listing-checks.ts': 'a limit for servers that hang',
  'test/kit/probe/probe.ts': 'a limit for servers that hang',
  'test/kit/s3-server/faults.ts': 'answers late, as a fault',
  'test/kit/until.ts': 'polls for all others, with a deadline',
  'test/slow/crash.test.ts': 'crashes at random moments',
  'test/slow/few-descriptors.test.ts': 'counts open files all the while',
  'test/slow/fuzz.test.ts': 'a limit for each answer, and memory that is measured at rest',
  'test/slow/secrets-rotate.test.ts': 'crashes at chosen moments',
  'test/slow/slow-clients.test.ts': 'clients that send slowly',
};

test('no test waits for time to pass: it waits for what happens, with until() where nothing signals it', () => {
  const waits =
    /\bset(?:Timeout|Interval)\b|\bAbortSignal\.timeout\b|\bAtomics\.wait\b|\bpg_sleep\b/;
  const tests = all.filter(
    ({ path }) => path !== 'test/tidy.test.ts' && /^test\/|\.test\.ts$/.test(path),
  );
  const waiting = tests.filter(({ text }) => waits.test(text)).map(({ path }) => path);
  assert.deepEqual(waiting.sort(), Object.keys(mayWait).sort());
});

test('the properties of a cloud are read from its traits and tables: no code checks its name', () => {
  // The API speaks OMS, whose own rules name clouds.
  const files = product.filter(({ path }) => folderOf(path) !== 'surface/api');
  const names = cloudTypes.join('|');
  assert.deepEqual(places(files, new RegExp(`(?:[=!]==?|\\bcase)\\s*'(?:${names})'`)), []);
  const stores = files.filter(({ path }) => folderOf(path) === 'platform/stores');
  assert.deepEqual(places(stores, /\bcloud\s*[=!]==?/), []);
});

test('names of OMS’s fields and of settings are at the surface only', () => {
  const files = product.filter(({ path }) => !path.startsWith('src/surface/'));
  const names = /request parameter \[|\b(?:src|dst)_[a-z]|\benable_[a-z]|\bBRIGADE_/;
  assert.deepEqual(places(files, names), []);
});

test('the queue and the copies check whether a task runs, not what a synchronization task is', () => {
  const files = product.filter(({ path }) => /^src\/domain\/(?:queue|copy)\//.test(path));
  assert.deepEqual(places(files, /\bsync_tasks\b|SYNCHRONIZING|SyncTask\b/), []);
});

/** Words that no name has, and the words of the vocabulary that say the same. */
const otherWords: Readonly<Record<string, string>> = {
  crawl: 'scan',
  door: 'authenticate, authorize',
  flaw: 'fault',
  hand: 'slot, in work',
  holder: 'principal, caller',
  quirk: 'trait',
  rehydrate: 'restore',
  rig: 'fixture',
  shard: 'range',
  thaw: 'restore',
  trouble: 'fault',
  unasked: 'not requested',
  verdict: 'decision',
};

/** The names that a file declares or uses, without comments and texts. */
function namesOf({ path, text }: SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return names;
}

/** `sourceSums` has `source` and `sum`. */
function wordsOf(name: string): string[] {
  const words = name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, ' ').split(/[ _#$]/);
  return words.map((word) => word.toLowerCase().replace(/s$/, ''));
}

test('one word a thing: names are made of the words of the vocabulary', () => {
  assert.deepEqual(wordsOf('#sourceSums'), ['', 'source', 'sum']);
  const found = product.flatMap((file) =>
    [...namesOf(file)].flatMap((name) =>
      wordsOf(name)
        .filter((word) => Object.hasOwn(otherWords, word))
        .map((word) => `${file.path}: ${name}: say ${otherWords[word] ?? ''}`),
    ),
  );
  assert.deepEqual(found, []);
});

test('nothing is left to do, and nothing is silenced without a reason', () => {
  // Put together here, so that this file does not have them.
  const words = ['TO|DO', 'FIX|ME', 'X|XX'].map((word) => word.replace('|', ''));
  const unfinished = new RegExp(`\\b(?:${words.join('|')})\\b`);
  for (const { path, text } of all) {
    assert.ok(!unfinished.test(text), `${path}: do it, or leave it out`);
    for (const [line] of text.matchAll(/^.*(?:eslint-disable|@ts-expect-error|@ts-ignore).*$/gm)) {
      if (path === 'test/tidy.test.ts') continue;
      assert.match(line, / -- \S|@ts-expect-error \S/, `${path}: say why: ${line.trim()}`);
    }
  }
});

test('nothing is only, and nothing is skipped without a reason', () => {
  const tests = all.filter(({ path }) => path.endsWith('.test.ts') && path !== 'test/tidy.test.ts');
  assert.deepEqual(places(tests, /\b(?:test|describe)\.only\(|\bonly: true|skip: true/), []);
});

test('adapters send by the connections that are paced and counted, and by nothing else', () => {
  const files = product.filter(({ path }) => path.startsWith('src/platform/stores/'));
  const found = places(files, /\bnew HttpClient\b|\bfetch\(|\brequire\(|'(?:node:https?|undici)'/);
  const where = new Set(found.map((place) => place.slice(0, place.indexOf(':'))));
  assert.deepEqual([...where], ['src/platform/stores/requests.ts']);
});

test('no type assertion contradicts a known type', () => {
  assert.deepEqual(places(product, /\bas unknown as\b|[\w\])]!(?:\.|;|,|\))/), []);
});
