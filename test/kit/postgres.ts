import { rmSync } from 'node:fs';
import { mkdtemp, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { GiB } from '../../src/platform/base/bytes.ts';
import { silentLog } from '../../src/platform/base/log.ts';
import { Secret } from '../../src/platform/base/seal.ts';
import { Database, type DatabaseOptions } from '../../src/platform/postgres/db.ts';
import { startEmbedded, type EmbeddedPostgres } from '../../src/platform/postgres/embedded.ts';
import { migrate } from '../../src/platform/postgres/migrate.ts';
import { copyCluster } from './cluster-template.ts';

/**
 * A real PostgreSQL for tests. Each test process has one server, which the first call starts and which is stopped
 * when all tests of the file have ended. Each call creates a database, as a copy of a migrated one. The server itself
 * is copied from a template that all test processes of the machine share.
 */

interface Cluster extends AsyncDisposable {
  readonly postgres: EmbeddedPostgres;
  /** For making databases. */
  readonly admin: Database;
}

const TEMPLATE = 'migrated';

let cluster: Promise<Cluster> | undefined;
let made = 0;

/** Fast, and good for nothing after a crash. */
const tuning = {
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '200',
};

const MEMORY_DIRECTORY = '/dev/shm';
/** Far more than the databases of the few files that run at once need: 8 MB each. */
const MEMORY_MIN = 4 * GiB;

/**
 * Memory where there is plenty, since nothing here must outlive the test: a database is made there in 16 ms, on a
 * disk in 250 ms, nearly all of it in the kernel. Containers often have 64 MB of it, which is too little.
 */
async function parentDirectory(): Promise<string> {
  try {
    const { bavail, bsize } = await statfs(MEMORY_DIRECTORY);
    return bavail * bsize >= MEMORY_MIN ? MEMORY_DIRECTORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

const start = (dataDir: string): Promise<EmbeddedPostgres> =>
  startEmbedded({ dataDir, log: silentLog, tuning, socketParent: dataDir });

async function startCluster(): Promise<Cluster> {
  const dataDir = await mkdtemp(join(await parentDirectory(), 'brigade-test-'));
  // A process that breaks off does not reach its hooks; the kernel stops the server then.
  process.once('exit', () => rmSync(dataDir, { recursive: true, force: true }));
  await copyCluster(dataDir, makeCluster);
  const postgres = await start(dataDir);
  const admin = await Database.connect({ url: postgres.url, allowUnsafe: true, connections: 2 });
  return {
    postgres,
    admin,
    async [Symbol.asyncDispose]() {
      await admin[Symbol.asyncDispose]();
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Makes a cluster with a migrated database, to be copied. */
async function makeCluster(dataDir: string): Promise<void> {
  await using postgres = await start(dataDir);
  await using admin = await Database.connect({ url: postgres.url, allowUnsafe: true });
  await admin.query(`create database ${TEMPLATE}`);
  await using database = await Database.connect({
    url: urlOf(postgres, TEMPLATE),
    allowUnsafe: true,
  });
  await migrate(database);
}

/** Here and not where it is started: a hook set in a test ends with that test. */
after(async () => {
  await (await cluster)?.[Symbol.asyncDispose]();
});

/** The URL of another database of the same server. */
function urlOf(postgres: EmbeddedPostgres, name: string): Secret {
  const url = new URL(postgres.url.reveal());
  url.pathname = `/${name}`;
  return new Secret(url.href);
}

export interface TestDatabaseOptions extends Partial<Omit<DatabaseOptions, 'url'>> {
  /** Without our schema, for tests of the migrations themselves. */
  readonly empty?: boolean;
}

/** Creates a database for callers that connect by themselves: with `allowUnsafe`, because fsync is off. */
export async function testDatabaseUrl({
  empty = false,
}: TestDatabaseOptions = {}): Promise<Secret> {
  const on = await (cluster ??= startCluster());
  made += 1;
  const name = `test_${made}`;
  const from = empty ? 'template1' : TEMPLATE;
  // Three times as fast as through the log, where nothing is synced anyway.
  await on.admin.query(`create database ${name} template ${from} strategy file_copy`);
  return urlOf(on.postgres, name);
}

/** A new, migrated database; dispose of it to close its connections. */
export async function testDatabase(options: TestDatabaseOptions = {}): Promise<Database> {
  const url = await testDatabaseUrl(options);
  return Database.connect({ ...options, url, allowUnsafe: true });
}
