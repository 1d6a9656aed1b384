import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { InjectOptions } from 'fastify';
import { Compile } from 'typebox/compile';
import { Chance } from '../kit/seeded-random.ts';
import { startTestService, type TestService } from '../kit/service.ts';
import { TASK } from '../kit/fuzzed-requests.ts';
import {
  type Operation,
  operationsOf,
  requestTo,
  type Schema,
  SeenValues,
} from '../kit/described-requests.ts';

/*
 * Requests that are made from the OpenAPI document of the whole service, each operation as often as the others, half of
 * them as the document says and half with parts that it does not allow. Every answer must be one that the
 * document lists. A seed repeats a run:
 *
 *   SEED=1234 node --test test/slow/described-requests.test.ts
 */

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const ROUNDS = Number(process.env['ROUNDS'] ?? 200);

let service: TestService;
let operations: Operation[];
const seen = new SeenValues();

const validators = new Map<Schema, ReturnType<typeof Compile>>();
function validatorOf(schema: Schema): ReturnType<typeof Compile> {
  const compiled = validators.get(schema) ?? Compile(schema);
  validators.set(schema, compiled);
  return compiled;
}

/** @returns What is wrong with the answer; undefined where it is as described. */
function faultOf(
  { replies }: Operation,
  reply: { readonly statusCode: number; readonly body: string },
): string | undefined {
  const { statusCode: status, body } = reply;
  if (status >= 500) return `${status} ${body}`;
  if (!replies.has(status)) return `${status} is not described: ${body}`;
  const schema = replies.get(status);
  if (schema === undefined) return undefined;
  if (schema.type === 'null') return body === '' ? undefined : `a body: ${body}`;
  const value: unknown = JSON.parse(body);
  if (status < 300) seen.addAll(value);
  const validator = validatorOf(schema);
  if (validator.Check(value)) return undefined;
  return `${status} ${body.slice(0, 500)}: ${JSON.stringify(validator.Errors(value)[0])}`;
}

/** Refuses a value for its type, which a valid request has right. Other rules may join several fields. */
const WRONG_TYPE = 'OMS.1002';

/** Sends one request. @returns Its status, and what is wrong with the answer. */
async function send(operation: Operation, chance: Chance): Promise<[number, string | undefined]> {
  const valid = chance.once(2);
  const request: InjectOptions = requestTo(operation, { chance, seen, valid });
  const token = chance.once(50) ? {} : { 'x-auth-token': service.token };
  // Of many clients, or the service would soon refuse those that fail to authenticate.
  const remoteAddress = `10.${chance.below(256)}.${chance.below(256)}.${chance.below(256)}`;
  const headers = { ...request.headers, ...token };
  const reply = await service.api.inject({ ...request, headers, remoteAddress });
  const isMistyped = valid && reply.statusCode === 400 && reply.body.includes(WRONG_TYPE);
  const mistyped = isMistyped ? reply.body : undefined;
  const fault = faultOf(operation, reply) ?? mistyped;
  if (fault === undefined) return [reply.statusCode, undefined];
  return [reply.statusCode, `${fault}\n  to ${JSON.stringify(request).slice(0, 2_000)}`];
}

describe(`requests made from the OpenAPI document (SEED=${SEED})`, () => {
  before(async () => {
    service = await startTestService({ works: false, settings: { tasksMax: 100_000 } });
    const reply = await service.api.inject('/openapi.json');
    operations = operationsOf(reply.json<Record<string, unknown>>());
    await service.brigade.identity.createUser({ name: 'somebody', password: undefined });
    const taskId = await service.client.createTask(TASK);
    const scan = await service.brigade.scans.start(service.projectId, taskId, { kind: 'verify' });
    const known = {
      ...TASK,
      ...{ project_id: service.projectId, sync_task_id: taskId, scan_id: scan.id },
      ...{ query_time: Date.now(), start_time: Date.now() - 1e6, end_time: Date.now() },
      ...{ data_type: 'SIZE,REQUEST', user: 'somebody', project: service.projectId },
      ...{
        policy: 'OMS Administrator',
        Version: '1.1',
        Action: 'oms:synctask:*',
        object_keys: 'a%2Fb',
      },
    };
    for (const [name, value] of Object.entries(known)) seen.add(name, value);
  });
  after(() => service[Symbol.asyncDispose]());

  test('every answer is one that the document describes', async (context) => {
    const chance = new Chance(SEED);
    const statuses = new Map<string, Set<number>>();
    const faults = new Map<string, string>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const operation of operations) {
        const name = `${operation.method} ${operation.path}`;
        const [status, fault] = await send(operation, chance);
        statuses.set(name, (statuses.get(name) ?? new Set()).add(status));
        if (fault !== undefined) faults.set(`${name} ${status}`, fault);
      }
    }
    assert.deepEqual(Object.fromEntries(faults), {});
    const served = [...statuses].filter(([, known]) => [...known].some((status) => status < 300));
    const never = [...statuses.keys()].filter((name) => !served.some(([other]) => other === name));
    context.diagnostic(`never served: ${never.join(', ')}`);
    // It gets through to most of them.
    assert.ok(served.length > operations.length * 0.7, `${served.length} of ${operations.length}`);
  });
});
