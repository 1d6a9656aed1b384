import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { chmod, cp, lchown, lstat, readdir, readFile, rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries } from './embedded-binaries.ts';
import { EmbeddedError } from './embedded-error.ts';

const run = promisify(execFile);

/** No variable of the service's own environment, which holds secrets. */
const environment = {
  PATH: '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/run/current-system/sw/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
};

interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/** A way to run PostgreSQL, which refuses to run as root and requires a user that has a name. */
export interface Way {
  readonly name: 'direct' | 'user namespace' | 'other user';
  /** Comes before the program on the command line; each of these ends by becoming the next. */
  readonly prefix: readonly string[];
  /** Whom its files must belong to. */
  readonly owner: Identity;
  /** Whom to spawn it as, when not as ourselves. */
  readonly spawnAs: Identity | undefined;
}

export interface LaunchPlan {
  readonly way: Way;
  readonly binaries: Binaries;
  /** The major version, as in a cluster's `PG_VERSION`. */
  readonly version: string;
}

async function works(command: string, args: readonly string[], as?: Identity): Promise<boolean> {
  try {
    await run(command, args, { env: environment, cwd: '/', ...as });
    return true;
  } catch {
    return false;
  }
}

interface NamedUser extends Identity {
  readonly name: string;
}

/** Users that PostgreSQL can run as, the most fitting first. */
export function unprivilegedUsers(passwd: string): NamedUser[] {
  const fitting = ['nobody', 'postgres'];
  return passwd
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid = '', gid = '']) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(
      ({ name, uid, gid }) =>
        name !== '' && uid > 0 && Number.isInteger(uid) && Number.isInteger(gid),
    )
    .sort((a, b) => fitting.indexOf(b.name) - fitting.indexOf(a.name) || b.uid - a.uid);
}

async function someUser(): Promise<NamedUser | undefined> {
  const passwd = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return unprivilegedUsers(passwd)[0];
}

function hasName(): boolean {
  try {
    userInfo();
    return true;
  } catch {
    return false;
  }
}

/**
 * `setpriv --pdeathsig` lets the kernel stop PostgreSQL when we die, even by kill -9. It must be
 * the last to change credentials, since that clears the signal.
 */
async function dieWithUs(as?: Identity): Promise<readonly string[]> {
  const prefix = ['setpriv', '--pdeathsig', 'INT', '--'];
  return (await works('setpriv', [...prefix.slice(1), 'true'], as)) ? prefix : [];
}

async function direct(self: Identity): Promise<Way[]> {
  if (self.uid === 0 || !hasName()) return [];
  return [{ name: 'direct', prefix: await dieWithUs(), owner: self, spawnAs: undefined }];
}

/** As ourselves towards the files, and under another number towards PostgreSQL. */
async function userNamespace(self: Identity, user: NamedUser): Promise<Way[]> {
  const enter = ['unshare', '--user', `--map-user=${user.uid}`, '--'];
  if (!(await works('unshare', [...enter.slice(1), 'true']))) return [];
  const tied = [...enter, 'setpriv', '--pdeathsig', 'INT', '--'];
  const prefix = (await works('unshare', [...tied.slice(1), 'true'])) ? tied : enter;
  return [{ name: 'user namespace', prefix, owner: self, spawnAs: undefined }];
}

async function otherUser(self: Identity, { uid, gid }: NamedUser): Promise<Way[]> {
  const as = { uid, gid };
  if (self.uid !== 0 || !(await works('true', [], as))) return [];
  return [{ name: 'other user', prefix: await dieWithUs(as), owner: as, spawnAs: as }];
}

async function candidates(): Promise<Way[]> {
  const self = { uid: process.geteuid?.() ?? -1, gid: process.getegid?.() ?? -1 };
  const user = await someUser();
  if (user === undefined) return direct(self);
  return [
    ...(await direct(self)),
    ...(await userNamespace(self, user)),
    ...(await otherUser(self, user)),
  ];
}

/** Starts a program of PostgreSQL that way, in a session of its own: Ctrl-C does not reach it. */
export function launch(
  way: Way,
  program: readonly string[],
  { cwd, output }: { cwd: string; output: number },
): ChildProcess {
  const [command = '', ...args] = [...way.prefix, ...program];
  return spawn(command, args, {
    cwd,
    env: environment,
    detached: true,
    stdio: ['ignore', output, output],
    ...way.spawnAs,
  });
}

/** What a server ends with when another one holds its cluster. */
export const LOCKED_EXIT_CODE = 73;

/**
 * Lets the server, and all its processes, hold a lock on the cluster as long as any of them lives:
 * also towards a server in another container, whose process numbers mean nothing here.
 */
export async function lockPrefix(cluster: string): Promise<readonly string[]> {
  const options = ['--no-fork', '--nonblock', '--conflict-exit-code', `${LOCKED_EXIT_CODE}`];
  // Other programs of the same name cannot become what they run.
  if (!(await works('flock', ['--shared', ...options, '/proc/self/exe', 'true']))) return [];
  return ['flock', ...options, join(cluster, 'brigade.lock')];
}

/** @throws {EmbeddedError} when the program does not even run as ourselves. */
async function readVersion({ postgres }: Binaries): Promise<string> {
  try {
    const { stdout } = await run(postgres, ['--version'], { env: environment, cwd: '/' });
    return / (\d+)/.exec(stdout)?.[1] ?? 'unknown';
  } catch (cause) {
    throw new EmbeddedError(
      `the private PostgreSQL does not run on this machine (it needs glibc): ${postgres}; ` +
        'set {settings.databaseUrl} to a PostgreSQL of your own (15 or later)',
      { cause },
    );
  }
}

async function worksBy(way: Way, ...program: string[]): Promise<boolean> {
  const [command = '', ...args] = [...way.prefix, ...program];
  return works(command, args, way.spawnAs);
}

/** Copies PostgreSQL beside the data, for a user who cannot enter the folder of our packages. */
async function copyBinaries(
  { owner }: Way,
  { initdb, postgres }: Binaries,
  dataDir: string,
): Promise<Binaries> {
  const from = dirname(dirname(postgres));
  const to = join(dataDir, 'postgres-programs');
  await rm(to, { recursive: true, force: true });
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
  await giveTo(owner, to);
  return { initdb: initdb.replace(from, to), postgres: postgres.replace(from, to) };
}

/** The programs as they can be reached that way, or undefined when it leads nowhere. */
async function tryWay(
  way: Way,
  binaries: Binaries,
  dataDir: string,
): Promise<Binaries | undefined> {
  if (way.spawnAs !== undefined) {
    if (!(await worksBy(way, 'test', '-x', dirname(dataDir)))) return undefined;
    // To pass through, not to look: the database's folder is theirs, what is beside it is not.
    await chmod(dataDir, 0o711);
  }
  if (!(await worksBy(way, 'test', '-x', dataDir))) return undefined;
  if (await worksBy(way, binaries.postgres, '--version')) return binaries;
  const copied = await copyBinaries(way, binaries, dataDir);
  return (await worksBy(way, copied.postgres, '--version')) ? copied : undefined;
}

/**
 * Finds out how PostgreSQL can be run here, by running it:
 * as ourselves; as root, in a user namespace in which root has another number; or, where that is
 * forbidden, as an unprivileged user who is given the data.
 *
 * @throws {EmbeddedError} when no way works, saying what to do instead.
 */
export async function planLaunch(
  binaries: Binaries,
  dataDir: string,
  only?: readonly Way['name'][],
): Promise<LaunchPlan> {
  const version = await readVersion(binaries);
  const ways = (await candidates()).filter(({ name }) => only?.includes(name) ?? true);
  for (const way of ways) {
    const reachable = await tryWay(way, binaries, dataDir);
    if (reachable !== undefined) return { way, binaries: reachable, version };
  }
  throw new EmbeddedError(
    `the private PostgreSQL cannot run on ${dataDir}: ${await whyNoWay(ways, dataDir)}. ` +
      'Run the service as an ordinary user, or set {settings.dataDir} to a directory below ' +
      'directories that every user can enter, or set {settings.databaseUrl} to a PostgreSQL of your own',
  );
}

async function whyNoWay(ways: readonly Way[], dataDir: string): Promise<string> {
  if (process.geteuid?.() !== 0) return 'PostgreSQL needs a user that has a name in /etc/passwd';
  const namespaces = ways.some(({ name }) => name === 'user namespace');
  const reasons = ['PostgreSQL does not run as root'];
  if (!namespaces) reasons.push('user namespaces are not available');
  for (const way of ways) reasons.push(await whyNot(way, dataDir));
  return reasons.join('; ');
}

async function whyNot(way: Way, dataDir: string): Promise<string> {
  const how = way.spawnAs === undefined ? 'in a user namespace' : `as user ${way.spawnAs.uid}`;
  const parts = dataDir.split('/').slice(1);
  for (const [index] of parts.entries()) {
    const path = `/${parts.slice(0, index + 1).join('/')}`;
    if (!(await worksBy(way, 'test', '-x', path))) return `${how} it cannot enter ${path}`;
  }
  return `${how} its programs do not run`;
}

/**
 * Gives a folder and all in it to `owner`, if it is not theirs already.
 *
 * @throws {EmbeddedError} when it belongs to another user and we may not change that.
 */
export async function giveTo({ uid, gid }: Identity, folder: string): Promise<void> {
  if ((await lstat(folder)).uid === uid) return;
  if (process.geteuid?.() !== 0) {
    throw new EmbeddedError(`${folder} belongs to another user: run as that user, or as root`);
  }
  // The folder itself comes last: until then it says that there is more to give.
  for (const entry of await readdir(folder, { recursive: true })) {
    await lchown(join(folder, entry), uid, gid);
  }
  await lchown(folder, uid, gid);
}
