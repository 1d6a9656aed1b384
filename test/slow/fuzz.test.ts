import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { InjectOptions } from 'fastify';
import { Secret } from '../../src/platform/base/seal.ts';
import { ensureFirstAccessKey } from '../../src/domain/access/tokens.ts';
import { AUDIENCE, type OidcIssuer, startOidcIssuer } from '../kit/oidc-issuer.ts';
import { Chance } from '../kit/seeded-random.ts';
import { startTestService, type TestService } from '../kit/service.ts';
import { framing } from '../kit/fuzzed-connections.ts';
import { oddClaims, StrangeRequests, TASK } from '../kit/fuzzed-requests.ts';

/*
 * Sends malformed input to the whole service with its database: no answer is an internal error, every request
 * is answered, and nothing of it stays in memory. A seed repeats a run:
 *
 *   SEED=1234 node --test test/slow/fuzz.test.ts
 */

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const INPUTS = Number(process.env['INPUTS'] ?? 90_000);
const SOCKETS = Number(process.env['SOCKETS'] ?? 12_000);
const AT_ONCE = 32;
const ANSWER_MS = 20_000;
const GROWTH_MAX = 24 * 1024 * 1024;

let service: TestService;
let issuer: OidcIssuer;
let requests: StrangeRequests;

/** @returns The status. @throws {Error} if the answer is an internal error, does not come, or has no text. */
async function send(options: InjectOptions): Promise<number> {
  const timer = { late: undefined as NodeJS.Timeout | undefined };
  const late = new Promise<never>((_resolve, reject) => {
    timer.late = setTimeout(() => reject(new Error('no answer')), ANSWER_MS);
  });
  try {
    const reply = await Promise.race([service.api.inject(options), late]);
    assert.ok(
      reply.statusCode >= 200 && reply.statusCode < 500,
      `${reply.statusCode} ${reply.body}`,
    );
    if (reply.statusCode >= 400) {
      const problem = reply.json<{ error_code?: string; error?: unknown }>();
      assert.ok(problem.error_code !== undefined || problem.error !== undefined, reply.body);
    }
    return reply.statusCode;
  } catch (error) {
    const input = JSON.stringify({ ...options, payload: JSON.stringify(options.payload) }).slice(
      0,
      2_000,
    );
    throw new Error(`SEED=${SEED}: ${input}`, { cause: error });
  } finally {
    clearTimeout(timer.late);
  }
}

/** Without a socket a request goes by a parsed URL: paths that are none are for those with one. */
function sayable(chance: Chance): InjectOptions {
  for (;;) {
    const options = requests.next(chance);
    const { url } = options;
    if (typeof url === 'string' && URL.canParse(url, 'http://localhost')) return options;
  }
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

async function heapNow(): Promise<number> {
  // The requests that were just answered must be released first.
  await new Promise((resolve) => setTimeout(resolve, 200));
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe(`malformed input (SEED=${SEED})`, () => {
  before(async () => {
    issuer = await startOidcIssuer();
    const trusted = {
      ...{ issuer: issuer.issuer, audience: AUDIENCE, userClaim: 'sub', mapsUsers: true },
      ...{ groupsClaim: 'groups', projectClaim: 'project' },
    };
    const chance = new Chance(SEED + 2);
    const odd = Array.from({ length: 500 }, () => issuer.sign(oddClaims(chance)));
    service = await startTestService({ works: false, issuers: [trusted] });
    const { database, sealer, projectId } = service;
    const first = {
      id: 'FUZZKEY0000000000001',
      secret: new Secret('a-secret-that-signs'),
      projectId,
    };
    await ensureFirstAccessKey({ database, sealer }, first);
    requests = new StrangeRequests({
      projectId,
      token: service.token,
      taskId: await service.client.createTask(TASK),
      jwt: await issuer.sign(),
      oddJwts: [await issuer.sign(), ...(await Promise.all(odd))],
      key: { id: first.id, secret: first.secret.reveal() },
    });
  });
  after(async () => {
    await service[Symbol.asyncDispose]();
    await issuer[Symbol.asyncDispose]();
  });

  test(`${INPUTS} requests: no 5xx, no hang, no growth`, async (context) => {
    const chance = new Chance(SEED);
    const statuses = new Map<number, number>();
    let left = INPUTS;
    const hand = async (until: number): Promise<void> => {
      while (left > until) {
        left -= 1;
        // Of many clients, or the five attempts of one would be all that is looked at.
        const remoteAddress = `10.${chance.below(256)}.${chance.below(256)}.${chance.below(256)}`;
        const status = await send({ ...sayable(chance), remoteAddress });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    const hands = (until: number) =>
      Promise.all(Array.from({ length: AT_ONCE }, () => hand(until)));
    await hands(Math.floor(INPUTS / 2));
    const half = await heapNow();
    await hands(0);
    const growth = (await heapNow()) - half;
    context.diagnostic(`statuses ${JSON.stringify([...statuses])}, heap ${growth} bytes more`);
    // It got through to all kinds of answers.
    for (const status of [200, 400, 401, 404])
      assert.ok((statuses.get(status) ?? 0) > 0, `${status}`);
    assert.ok(growth < GROWTH_MAX, `the heap grew by ${growth} bytes`);
  });

  test(`${SOCKETS} connections that do not send valid HTTP: all end, none with 5xx`, async () => {
    const chance = new Chance(SEED + 1);
    let left = SOCKETS;
    const hand = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const bytes = framing(chance);
        const told = await exchange(bytes);
        for (const [, status = ''] of told.matchAll(/^HTTP\/1\.1 (\d{3})/gm)) {
          const sent = JSON.stringify(bytes.subarray(0, 1_000).toString('latin1'));
          assert.ok(Number(status) < 500, `SEED=${SEED}: ${status} to ${sent}`);
        }
      }
    };
    await Promise.all(Array.from({ length: 16 }, hand));
    assert.equal((await fetch(`${service.url}/healthz`)).status, 200);
  });
});

/** Sends bytes and the end; gives all that comes back until the other end. */
function exchange(bytes: Uint8Array): Promise<string> {
  const { hostname, port } = new URL(service.url);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const late = setTimeout(() => {
      socket.destroy();
      const sent = JSON.stringify(Buffer.from(bytes).toString('latin1').slice(0, 1_000));
      reject(new Error(`SEED=${SEED}: the connection stays open after ${sent}`));
    }, ANSWER_MS);
    socket.on('error', () => undefined); // A reset is an end too.
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      clearTimeout(late);
      resolve(Buffer.concat(chunks).toString('latin1'));
    });
    socket.end(bytes);
  });
}
