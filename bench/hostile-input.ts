import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { KiB, MiB } from '../src/platform/base/bytes.ts';
import { startTestService } from '../test/kit/service.ts';

/*
 * Measures how long hostile input blocks the service. The service and its database run in a separate process,
 * which measures the delay of its event loop. This process sends the attacks, each for a moment.
 *
 *   node bench/hostile-input.ts [name of an attack]
 */

const ROUNDS = 3;
const ROUND_MS = 1_000;
const HEAP_MIB = 256;

interface Target {
  readonly url: string;
  readonly projectId: string;
  readonly token: string;
  /** The ID of an access key that its holder may use for events. */
  readonly accessKeyId: string;
}

/** What the service saw in one round. */
interface Measured {
  /** The most processor time that one turn of the event loop took. */
  readonly maxMs: number;
  /** The longest delay by the clock, to which other programs on the machine add. */
  readonly delayMs: number;
  readonly rss: number;
}

interface Attack {
  readonly name: string;
  /** What one connection sends. */
  readonly bytes: (target: Target) => string | Buffer;
  readonly connections: number;
}

function post(path: string, headers: string, body: string | Buffer, announced?: number): Buffer {
  const length = announced ?? Buffer.byteLength(body);
  const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${headers}Content-Length: ${length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

function chunked(path: string, headers: string, body: string, size: number): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${headers}Transfer-Encoding: chunked\r\n\r\n`;
  const chunks = Array.from({ length: Math.ceil(body.length / size) }, (_, at) => {
    const chunk = body.slice(at * size, (at + 1) * size);
    return `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
  });
  return Buffer.from(`${head}${chunks.join('')}0\r\n\r\n`);
}

const get = (path: string, headers = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;
const logIn = '/v3/auth/tokens';
const events = ({ projectId }: Target) => `/v2/${projectId}/sync-tasks/none/events`;
const withToken = ({ token }: Target) => `X-Auth-Token: ${token}\r\n`;
const ones = (bytes: number) =>
  `{"auth":{"identity":{"methods":[${'1,'.repeat(Math.floor(bytes / 2) - 20)}1]}}}`;
const fields = (bytes: number) =>
  `{${Array.from({ length: Math.floor(bytes / 14) }, (_, at) => `"x${at}":1`).join(',')}}`;
const keys = (key: string) => JSON.stringify({ object_keys: Array<string>(100).fill(key) });

/** A signature that is well formed and wrong, so that it is computed. */
function signed({ accessKeyId }: Target, names = 'x-sdk-date'): string {
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const signature = 'a'.repeat(64);
  return `X-Sdk-Date: ${date}\r\nAuthorization: SDK-HMAC-SHA256 Access=${accessKeyId}, SignedHeaders=${names}, Signature=${signature}\r\n`;
}

const attacks: readonly Attack[] = [
  { name: 'none (base)', connections: 4, bytes: () => get('/healthz') },
  {
    name: 'log-in, 11 MiB of list items',
    connections: 8,
    bytes: () => post(logIn, '', ones(11 * MiB)),
  },
  {
    name: 'log-in, the same in chunks',
    connections: 8,
    bytes: () => chunked(logIn, '', ones(11 * MiB), 16 * KiB),
  },
  {
    name: 'log-in, 15 KiB of list items',
    connections: 32,
    bytes: () => post(logIn, '', ones(15 * KiB)),
  },
  {
    name: 'log-in, 15 KiB of fields',
    connections: 32,
    bytes: () => post(logIn, '', fields(15 * KiB)),
  },
  {
    name: 'log-in, 15 KiB deep',
    connections: 32,
    bytes: () => post(logIn, '', '['.repeat(15 * KiB)),
  },
  {
    name: 'events, 300 KiB of list items',
    connections: 16,
    bytes: (to) => post(events(to), withToken(to), ones(300 * KiB)),
  },
  {
    name: 'events, 300 KiB of fields',
    connections: 16,
    bytes: (to) => post(events(to), withToken(to), fields(300 * KiB)),
  },
  {
    name: 'events, 100 names of 3 KiB',
    connections: 4,
    bytes: (to) => post(events(to), withToken(to), keys('%C3%A4'.repeat(500))),
  },
  {
    name: 'events, 300 KiB of escapes',
    connections: 8,
    bytes: (to) => post(events(to), withToken(to), `{"x":"${'\\u0041'.repeat(50_000)}"}`),
  },
  {
    name: 'events, 200 KiB in chunks of one byte',
    connections: 4,
    bytes: (to) => chunked(events(to), withToken(to), keys('x'.repeat(2_000)), 1),
  },
  {
    name: 'no such path, 250 KiB of fields',
    connections: 8,
    bytes: (to) => chunked('/iam/v1/x', withToken(to), fields(250 * KiB), 16 * KiB),
  },
  {
    name: 'signed, 150 unfinished bodies',
    connections: 150,
    bytes: (to) => post(events(to), signed(to), ' '.repeat(200 * KiB), 250 * KiB),
  },
  {
    name: 'signed, a query of 10,000 pairs',
    connections: 4,
    bytes: (to) => get(`/v2/${to.projectId}/sync-tasks?${'a&'.repeat(10_000)}`, signed(to)),
  },
  {
    name: 'signed, one header named 100 times',
    connections: 4,
    bytes: (to) =>
      get(
        `/v2/${to.projectId}/sync-tasks`,
        `X-A: ${'x'.repeat(25 * KiB)}\r\n${signed(to, `x-sdk-date;${Array(98).fill('x-a').join(';')}`)}`,
      ),
  },
  { name: '5,000 headers', connections: 8, bytes: () => get('/v2', 'a:b\r\n'.repeat(5_000)) },
  {
    name: 'a token of 16 KiB',
    connections: 8,
    bytes: () => get('/v3/projects', `X-Auth-Token: ${'a.'.repeat(8_000)}\r\n`),
  },
  {
    name: '1,000 requests for /openapi.json ahead of answers',
    connections: 4,
    bytes: () => get('/openapi.json').repeat(1_000),
  },
  {
    name: '1,000 requests for /metrics ahead of answers',
    connections: 4,
    bytes: () => get('/metrics').repeat(1_000),
  },
];

/** Sends over and over, each time by a new connection, until the time is over. */
async function send(target: Target, attack: Attack, until: number): Promise<void> {
  const { hostname, port } = new URL(target.url);
  while (performance.now() < until) {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined).on('data', () => undefined);
    await once(socket, 'connect');
    socket.write(attack.bytes(target));
    await answered(socket, until);
    socket.destroy();
  }
}

/** Until something came back, or the time is over. */
async function answered(socket: Socket, until: number): Promise<void> {
  const stop = new AbortController();
  const late = sleep(Math.max(0, until - performance.now()), undefined, { signal: stop.signal });
  const came = Promise.race([once(socket, 'data', stop), once(socket, 'close', stop)]);
  await Promise.race([late, came]).catch(() => undefined);
  stop.abort();
  await Promise.allSettled([late, came]);
}

async function attackFrom(): Promise<void> {
  const execArgv = [`--max-old-space-size=${HEAP_MIB}`];
  const child = fork(import.meta.filename, ['--serve'], { execArgv });
  const [target] = (await once(child, 'message')) as [Target]; // What `serve` below sends.
  const wanted = process.argv[2];
  process.stdout.write(
    '| attack | longest turns, CPU ms | longest delays, ms | memory, MiB |\n| --- | --- | --- | --- |\n',
  );
  for (const attack of attacks) {
    if (wanted !== undefined && !attack.name.includes(wanted)) continue;
    const delays: string[] = [];
    const turns: string[] = [];
    let memory = 0;
    for (let round = 0; round < ROUNDS; round++) {
      child.send('begin');
      const until = performance.now() + ROUND_MS;
      await Promise.all(
        Array.from({ length: attack.connections }, () => send(target, attack, until)),
      );
      child.send('end');
      const [measured] = (await once(child, 'message')) as [Measured];
      delays.push(measured.delayMs.toFixed(0));
      turns.push(measured.maxMs.toFixed(0));
      memory = Math.max(memory, measured.rss / MiB);
    }
    process.stdout.write(
      `| ${attack.name} | ${turns.join(', ')} | ${delays.join(', ')} | ${memory.toFixed(0)} |\n`,
    );
  }
  child.kill();
}

async function serve(): Promise<void> {
  const service = await startTestService({ works: false });
  const { url, projectId, token, brigade } = service;
  await brigade.identity.createUser({ name: 'ann', password: undefined });
  const policy = 'OMS Administrator';
  await brigade.identity.createGrant({ user: 'ann', group: undefined, projectId, policy });
  const { id: accessKeyId } = await brigade.identity.createAccessKey('ann');
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const turns = { measured: false, last: 0, maxMs: 0 };
  const turn = (): void => {
    const { user, system } = process.threadCpuUsage();
    const now = (user + system) / 1_000;
    turns.maxMs = Math.max(turns.maxMs, now - turns.last);
    turns.last = now;
    if (turns.measured) setImmediate(turn);
  };
  process.on('message', (message) => {
    if (message === 'begin') {
      delay.reset();
      delay.enable();
      turns.measured = true;
      turn();
      turns.maxMs = 0;
    } else {
      delay.disable();
      turns.measured = false;
      const { maxMs } = turns;
      process.send?.({ delayMs: delay.max / 1e6, maxMs, rss: process.memoryUsage.rss() });
    }
  });
  process.send?.({ url, projectId, token, accessKeyId } satisfies Target);
}

if (process.argv[2] === '--serve') await serve();
else await attackFrom();
