import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { DEPTH_MAX } from '../src/surface/api/kit/json-scan.ts';
import { ListAuditReply } from '../src/surface/api/operations/schemas.ts';
import { ListSyncTaskObjectsQuery, replyFields } from '../src/surface/api/oms/schemas/objects.ts';
import { ListSyncTaskStatisticQuery } from '../src/surface/api/oms/schemas/statistics.ts';
import {
  CreateSyncTaskBody,
  ListSyncTasksQuery,
} from '../src/surface/api/oms/schemas/sync-task.ts';
import { openApi } from './kit/api-in-memory.ts';
import { createMetrics } from '../src/platform/base/metrics.ts';
import { nameFields } from '../src/surface/api/kit/neutral-names.ts';
import { describeSettings } from '../src/surface/settings/config.ts';
import { program } from '../src/surface/cli/program.ts';
import { renamedSettings, variableOf } from '../src/surface/settings/names.ts';
import { remoteVariables } from '../src/surface/settings/remote-variables.ts';
import { actions } from '../src/platform/model/policy.ts';
import { faults, isTransient } from '../src/platform/model/fault.ts';
import { remedies } from '../src/platform/model/remedies.ts';
import type { MetadataNames } from '../src/platform/model/metadata.ts';
import { contentHeaderNames } from '../src/platform/model/object.ts';
import { azureDialects } from '../src/platform/stores/azure/dialects.ts';
import type { MetadataSizes } from '../src/platform/stores/metadata-limits.ts';
import { storeDialects } from '../src/platform/stores/providers.ts';
import type { MetadataFacts, S3Dialect } from '../src/platform/stores/s3/dialect.ts';
import { s3Dialects } from '../src/platform/stores/s3/dialects.ts';

/*
 * The documents say what the code says. Tables are written by this test itself:
 *
 *   UPDATE_DOCS=1 npm run test:fast
 */

const root = join(import.meta.dirname, '..');
const update = process.env['UPDATE_DOCS'] === '1';
const pages = [...globSync('*.md', { cwd: root }), ...globSync('docs/**/*.md', { cwd: root })];
/** Every file and folder of the project's own, from the root; a folder ends in a slash. */
const everywhere = globSync('{src,test,bench,examples,docs}/**', {
  cwd: root,
  withFileTypes: true,
  exclude: ({ name }) => name === 'node_modules' || name === '__pycache__',
}).map((entry) => {
  const path = relative(root, join(entry.parentPath, entry.name));
  return entry.isDirectory() ? `/${path}/` : `/${path}`;
});
const allPaths = everywhere.join('\n');

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** All of the product's code, tests aside. */
function sources(): string {
  const files = globSync('src/**/*.ts', { cwd: root });
  return files
    .filter((file) => !/test(ing)?\.ts$/.test(file))
    .map(read)
    .join('\n');
}

/** Every first group of a pattern, each once, sorted. */
function found(text: string, pattern: RegExp): string[] {
  return [...new Set(Array.from(text.matchAll(pattern), ([, name = '']) => name))].sort();
}

/** Links and names in fenced code are examples, not links. */
function withoutCode(text: string): string {
  return text.replaceAll(/^```[^]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '');
}

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
    .replaceAll(' ', '-');
}

function anchorsOf(path: string): string[] {
  const headings = read(path).replaceAll(/^```[^]*?^```$/gm, '');
  return found(headings, /^#{1,6} +(.+?) *$/gm).map(anchorOf);
}

describe('the documents', () => {
  test('are there', () => {
    for (const page of ['README', 'ARCHITECTURE', 'CONTRIBUTING', 'SECURITY', 'CHANGELOG']) {
      assert.ok(pages.includes(`${page}.md`), page);
    }
  });

  for (const page of pages) {
    test(`${page}: every relative link leads somewhere`, () => {
      for (const target of found(withoutCode(read(page)), /\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : relative(root, join(root, dirname(page), path));
        assert.ok(!file.startsWith('..') && existsSync(join(root, file)), target);
        if (anchor !== undefined) assert.ok(anchorsOf(file).includes(anchor), target);
      }
    });

    test(`${page}: every file it names is there`, () => {
      const named = /`((?:src|test|bench|examples|docs)\/[\w./-]*[\w/])`/g;
      for (const path of found(read(page), named)) {
        assert.ok(existsSync(join(root, normalize(path))), path);
        if (path.endsWith('/')) assert.ok(statSync(join(root, path)).isDirectory(), path);
      }
    });

    test(`${page}: every script and setting it names exists`, () => {
      const text = read(page);
      const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
      for (const name of found(text, /npm run ([\w:-]+)/g)) assert.ok(name in scripts, name);
      const ofService = describeSettings().map(({ variable }) => variable);
      const known = new Set<string | undefined>([...ofService, ...Object.values(remoteVariables)]);
      if (page === 'CHANGELOG.md') {
        for (const old of renamedSettings.keys()) known.add(variableOf(old));
      }
      for (const name of found(text, /\b(BRIGADE_[A-Z_]+)\b/g)) assert.ok(known.has(name), name);
    });

    test(`${page}: it is of no one machine, and a line ends where it ends`, () => {
      const text = read(page);
      assert.doesNotMatch(text, /(?:^|[\s`"'(=])\/(?:work|root|home|Users)\//m);
      assert.doesNotMatch(text, /[^\S\n]$/m);
    });
  }

  test('those about the code: every folder and source that they name without its path exists', () => {
    const named = /`((?:[\w-]+\/)+|(?:[\w-]+\/)*[\w-]+(?:\.\w+)?\.(?:ts|sh))`/g;
    for (const page of pages.filter((path) => /^[AC]\w+\.md$|decisions/.test(path))) {
      for (const path of found(read(page), named)) {
        assert.ok(allPaths.includes(`/${path}`), `${page}: ${path}`);
      }
    }
  });

  test('ARCHITECTURE.md: every function, class and constant that it names is in the source', () => {
    const words = new Set(sources().match(/\w+/g));
    const named = /`(?:[A-Z]\w+\.)?([a-z]+[A-Z]\w*|[A-Z][a-z]+\w*|[A-Z]+(?:_[A-Z]+)+)`/g;
    for (const name of found(read('ARCHITECTURE.md'), named)) {
      assert.ok(words.has(name) || name.startsWith('BRIGADE_'), name);
    }
  });

  test('test/README.md has every folder and every helper of the tests, and no other', () => {
    const sections = read('test/README.md').split(/^## /m).slice(1);
    const mapped = sections.flatMap((section) => {
      const [folder = ''] = section.split('\n');
      return found(section, /^\| `([^`]+)` \| \S/gm).map((name) => `${folder}/${name}`);
    });
    const there = everywhere.filter(
      (path) => /^\/test\/.+(?:\/|\.ts|\.sh)$/.test(path) && !path.endsWith('.test.ts'),
    );
    assert.deepEqual(mapped.map((path) => `/${path}`).sort(), there.sort());
  });

  test('the README names the command that tests everything', () => {
    assert.ok(read('README.md').includes('npm ci && npm test'));
  });
});

describe('the reference', () => {
  test('settings.md lists every setting as the code defines it', () => {
    agree('docs/reference/settings.md', 'settings', settingsTable());
  });

  test('limits.md lists the limits of every call as the code defines them', async () => {
    agree('docs/reference/limits.md', 'bodies', await bodiesTable());
    assert.ok(read('docs/reference/limits.md').includes(`deeper than ${DEPTH_MAX} levels`));
  });

  test('operate.md lists every reason of a failure as the code defines it', () => {
    agree('docs/guide/operate.md', 'reasons', reasonsTable());
  });

  test('storage-classes.md lists every class of every dialect as the code defines it', () => {
    agree('docs/clouds/storage-classes.md', 'classes', classesTable());
  });

  test('metadata.md has the rules of every dialect as the code has them', () => {
    agree('docs/clouds/metadata.md', 'metadata', metadataTable());
    const known = read('docs/clouds/metadata.md').split('## Sources of these facts')[1] ?? '';
    for (const [name, { metadata }] of Object.entries<S3Dialect>(s3Dialects)) {
      const documented = metadata.names === 'hyphenated' && name !== 'Tencent';
      if (name !== 'AWS' && !documented) assert.ok(known.includes(name), name);
    }
  });

  test('metrics.md names every metric, and no other', async () => {
    const metrics = await createMetrics().registry.getMetricsAsJSON();
    const names = metrics.map(({ name }) => name).filter((name) => name.startsWith('brigade_'));
    assert.deepEqual(
      found(read('docs/reference/metrics.md'), /\b(brigade_[a-z_]+)\b/g),
      names.sort(),
    );
  });

  test('events.md names every event of the log, and no other', () => {
    const events = found(sources(), /\bevent: '([^']+)'/g);
    assert.deepEqual(found(read('docs/reference/events.md'), /^\| `([^`]+)` \|/gm), events);
  });

  test('every dialect has a page', () => {
    const clouds = globSync('docs/clouds/*.md', { cwd: root }).map(read).join('\n');
    for (const name of storeDialects) {
      const asCloud = `\`src_cloud_type\` or \`dst_cloud_type\`: \`${name}\``;
      assert.ok(clouds.includes(asCloud) || clouds.includes(`\`dialect: ${name}\``), name);
    }
  });

  test('api.md names every operation, and no other', () => {
    const files = globSync('src/surface/api/*/*.ts', { cwd: root });
    const operations = found(files.map(read).join('\n'), /operationId: '([^']+)'/g);
    assert.deepEqual(found(read('docs/reference/api.md'), /^\| `([A-Z]\w+)` \|/gm), operations);
  });

  test('iam.md names every call and every command that manages users and rights', () => {
    const page = read('docs/reference/iam.md');
    const calls = ['iam/iam', 'iam/rights', 'operations/audit']
      .map((name) => read(`src/surface/api/${name}.ts`))
      .join();
    const operations = found(calls, /(?:operationId: |described\(\s*)'([^']+)'/g);
    assert.ok(operations.length > 20);
    assert.deepEqual(found(page, /^\| `([A-Z]\w+Iam\w+|ListAudit)` \| `/gm), operations);
    const commands = commandsBelow(program()).filter((line) => /^brigade (?:iam|audit)/.test(line));
    assert.deepEqual(found(page, /^\| `(brigade [^`]+)` \|/gm), commands.sort());
    for (const action of actions) assert.ok(page.includes(`| \`${action}\` |`), action);
    for (const name of Object.keys(ListAuditReply.properties.entries.items.properties)) {
      assert.ok(page.includes(`\`${name}\``), name);
    }
  });

  test('api.md names every field of a creation and of the list of objects', () => {
    const fields = [
      CreateSyncTaskBody.properties,
      Object.fromEntries(replyFields.map(({ field }) => [field, true])),
      ListSyncTaskObjectsQuery.properties,
      ListSyncTaskStatisticQuery.properties,
      ListSyncTasksQuery.properties,
    ];
    const page = read('docs/reference/api.md');
    for (const name of fields.flatMap(Object.keys)) {
      assert.ok(page.includes(`\`${name}\``), name);
    }
  });

  test('api.md has every error with its status and code', () => {
    const errors = Array.from(
      read('src/surface/api/kit/problems.ts').matchAll(
        /^ {2}'([\w-]+)': \{\s*status: (\d+),\s*code: '([^']+)'/gm,
      ),
      ([, name = '', status = '', code = '']) => `${name} ${status} ${code}`,
    );
    const rows = Array.from(
      read('docs/reference/api.md').matchAll(/^\| (\d{3}) \| `([^`]+)` \| `([\w-]+)` \|/gm),
      ([, status = '', code = '', name = '']) => `${name} ${status} ${code}`,
    );
    assert.ok(errors.length > 20, `${errors.length} errors were found in the source`);
    assert.deepEqual(rows.sort(), errors.sort());
  });
});

/** Every command that does something, with its arguments. */
function commandsBelow(command: Command, above = ''): string[] {
  const { commands, registeredArguments } = command;
  const args = registeredArguments.map((one) =>
    one.required ? `<${one.name()}>` : `[${one.name()}]`,
  );
  const path = `${above} ${command.name()}`.trim();
  if (commands.length === 0) return [[path, ...args].join(' ')];
  return commands.flatMap((below) => commandsBelow(below, path));
}

/** A part of a page that is generated from the code: it is compared, or written again. */
function agree(page: string, name: string, made: string): void {
  const text = read(page);
  const [begin, end] = [`<!-- ${name}: made by test/docs.test.ts -->\n`, `<!-- /${name} -->`];
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  assert.ok(from !== -1 && to > from, `${page} has no place for ${name}`);
  const whole = `${text.slice(0, from)}${begin}\n${made}\n${text.slice(to)}`;
  if (update) writeFileSync(join(root, page), whole);
  else assert.equal(text, whole, `${page} is old: run this test with UPDATE_DOCS=1`);
}

function settingsTable(): string {
  const rows = describeSettings().map((row) => [
    row.variable === undefined ? '' : `\`${row.variable}\``,
    row.key === undefined ? '' : `\`${row.key}\``,
    row.takes,
    row.default === '' ? '' : `\`${row.default}\``,
    row.description + (row.secret ? ' (secret)' : ''),
  ]);
  return table(['Environment', 'File', 'Takes', 'Default', 'What it means'], rows);
}

/** The calls that take a body, by what it may have. */
async function bodiesTable(): Promise<string> {
  await using api = await openApi();
  const calls = new Map<string, string[]>();
  for (const { bytes, values, hasBody, followsQuota, operationId = '' } of api.app.bodyLimits) {
    const size = followsQuota ? 'as below' : `${bytes / 1024} KiB`;
    const limits = hasBody ? `${size}|${values}` : `${size}|not looked at`;
    calls.set(limits, [...(calls.get(limits) ?? []), hasBody ? `\`${operationId}\`` : '']);
  }
  const rows = Array.from(calls, ([limits, names]) => {
    const named = names.filter((name) => name !== '').sort();
    return [...limits.split('|'), named.join(', ') || 'All calls without a body'];
  });
  return table(['Bytes', 'Values', 'Calls'], rows);
}

function reasonsTable(): string {
  const rows = Object.entries(remedies).map(([reason, remedy]) => {
    const fault = faults.find((known) => known === reason);
    const again = reason === 'internal' || (fault !== undefined && isTransient(fault));
    // Not a fault that passes, but an event may come before its object.
    const others = reason === 'not-found' ? 'for `BRIGADE_NOT_FOUND_SECONDS`' : 'no';
    return [`\`${reason}\``, again ? 'yes' : others, nameFields(remedy)];
  });
  return table(['Reason', 'Retried automatically', 'What to do'], rows);
}

function classesTable(): string {
  const rows: string[][] = [];
  for (const [name, dialect] of Object.entries<S3Dialect>(s3Dialects)) {
    for (const [storageClass, { tier, archived }] of dialect.classes) {
      const written = dialect.tierClasses[tier] === storageClass ? `for ${tier}` : '';
      rows.push([name, `\`${storageClass}\``, tier, archived ? 'no' : 'yes', written]);
    }
  }
  return table(['Dialect', 'Class', 'Counts as', 'Read at once', 'Written'], rows);
}

const allowedNames: Readonly<Record<MetadataNames, string>> = {
  token: 'any',
  identifier: 'letters, digits, `_`; no digit first',
  hyphenated: 'letters, digits, `-`',
  dotted: 'letters, digits, `-`, `.`',
  word: 'letters, digits, `-`, `_`',
};

const countedAs: Readonly<Record<MetadataSizes['counted'], string>> = {
  text: 'as text',
  sent: 'as sent',
  headers: 'with the prefix',
};

function metadataTable(): string {
  const azure = azureDialects.Azure;
  const ofAzure: MetadataFacts = {
    ...{ names: 'identifier', codec: 'percent', sizes: azure.metadataSizes },
    underscoresMayChange: false,
    ...{ contentHeaders: azure.contentHeaders, contentHeaderValues: 'ascii' },
  };
  const facts: [string, MetadataFacts][] = Object.entries<S3Dialect>(s3Dialects).map(
    ([name, { metadata }]) => [name, metadata],
  );
  const rows = [...facts, ['Azure', ofAzure] as const].map(([name, metadata]) => [
    name,
    allowedNames[metadata.names] + (metadata.underscoresMayChange ? '; `_` may become `-`' : ''),
    sizesText(metadata.sizes),
    metadata.codec === 'percent' ? 'percent-encoded' : 'RFC 2047',
    contentHeadersText(metadata),
  ]);
  return table(['Dialect', 'Names', 'Sizes', 'Values beyond ASCII', 'Content headers'], rows);
}

function sizesText({ allMax, entryMax, nameMax, counted }: MetadataSizes): string {
  if (!Number.isFinite(allMax)) return "the server's own";
  const limits = [
    `${allMax} in all`,
    entryMax === undefined ? undefined : `${entryMax} each`,
    nameMax === undefined ? undefined : `a name ${nameMax}`,
  ].filter((limit) => limit !== undefined);
  return `${limits.join(', ')}; ${countedAs[counted]}`;
}

function contentHeadersText({ contentHeaders, contentHeaderValues }: MetadataFacts): string {
  const lacking = contentHeaderNames.filter((name) => !contentHeaders.includes(name));
  const kept =
    lacking.length === 0 ? 'all' : `all but ${lacking.map((n) => `\`${n}\``).join(', ')}`;
  return contentHeaderValues === 'ascii' ? `${kept}; ASCII` : kept;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('*', '\\*')).join(' | ')} |\n`;
  return line(heads) + line(heads.map(() => '---')) + rows.map(line).join('');
}
