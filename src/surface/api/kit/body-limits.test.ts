import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fastify } from 'fastify';
import { bodyLimits } from './body-limits.ts';
import { DEPTH_MAX } from './json-scan.ts';
import { openApi, PROJECT, TOKEN } from '../../../../test/kit/api-in-memory.ts';

type Api = Awaited<ReturnType<typeof openApi>>;
type Route = Api['app']['bodyLimits'][number];

const KEYS_MAX = 100; // Of the use cases in memory.
const EVENT_BYTES = KEYS_MAX * 3 * 1024 + 4 * 1024;

async function send(api: Api, { method, url }: Route, payload: string) {
  const path = url.replace(':project_id', PROJECT).replaceAll(/:\w+/g, 'x');
  const headers = { 'x-auth-token': TOKEN, 'content-type': 'application/json' };
  // The list of routes has the methods that Fastify knows.
  const reply = await api.app.inject({ method: method as 'POST', url: path, headers, payload });
  const status = reply.statusCode;
  if (status < 400 || method === 'HEAD') return { status, code: undefined, message: '' };
  const body = reply.json<{ error_code?: string; error_msg?: string }>();
  return { status, code: body.error_code, message: body.error_msg ?? '' };
}

function bytesOf({ bytes, followsQuota }: Route): number {
  return followsQuota ? EVENT_BYTES : bytes;
}

describe('the body of every route', () => {
  test('has a limit of bytes: small where no credential is needed, that of the quota for events', async () => {
    await using api = await openApi();
    const { bodyLimits: routes } = api.app;
    assert.ok(routes.length > 40, `${routes.length} routes`);
    for (const { method, url, bytes, values, hasBody, followsQuota } of routes) {
      const route = `${method} ${url}`;
      if (!hasBody) assert.equal(bytes, 4 * 1024, route);
      else if (url.startsWith('/v3/')) assert.equal(bytes, 16 * 1024, route);
      else if (!followsQuota) assert.ok(bytes <= 256 * 1024, route);
      assert.equal(followsQuota, url.endsWith('/events'), route);
      assert.equal(values === 0, !hasBody, route);
    }
  });

  test('with a byte more than its limit is 413', async () => {
    await using api = await openApi();
    for (const route of api.app.bodyLimits) {
      const [name, bytes] = [`${route.method} ${route.url}`, bytesOf(route)];
      const { status, code } = await send(api, route, ' '.repeat(bytes + 1));
      assert.equal(status, 413, name);
      if (route.method !== 'HEAD') assert.equal(code, 'APIGW.0201', name);
      assert.notEqual((await send(api, route, `{}${' '.repeat(bytes - 2)}`)).status, 413, name);
    }
  });

  test('that is too deep, or has too many values or digits, is 400', async () => {
    await using api = await openApi();
    const [depth, more] = [DEPTH_MAX, DEPTH_MAX + 1];
    for (const route of api.app.bodyLimits.filter(({ hasBody }) => hasBody)) {
      const name = `${route.method} ${route.url}`;
      const many = (count: number) => `{"x":[${'1,'.repeat(count)}1]}`;
      for (const [payload, code, reason] of [
        [`${'{"a":'.repeat(more)}1${'}'.repeat(more)}`, 'OMS.0064', /nested deeper than 32 levels/],
        [`${'['.repeat(more)}${']'.repeat(more)}`, 'OMS.0064', /nested deeper than 32 levels/],
        [many(route.values), 'OMS.0064', /more than \d+ fields and list items/],
        [`{"x":${'9'.repeat(1_000)}}`, 'OMS.0067', /not JSON/],
      ] as const) {
        const reply = await send(api, route, payload);
        assert.deepEqual([reply.status, reply.code], [400, code], name);
        assert.match(reply.message, reason, name);
      }
      for (const payload of [
        `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`,
        many(route.values - 4),
      ]) {
        const { message } = await send(api, route, payload);
        assert.doesNotMatch(message, /nested|fields and list items/, name);
      }
    }
  });

  test('of a route that needs no credential cannot be made large', async () => {
    const app = fastify();
    await app.register(bodyLimits);
    const config = { action: 'public', takes: { bytes: 16 * 1024 + 1, values: 1 } } as const;
    assert.throws(() => app.post('/open', { config }, () => 'large'), /16384 bytes at most/);
  });
});

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maximum?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** Which keywords bound a type; a list of words bounds any. */
const bounds: Readonly<Record<string, readonly (keyof Schema)[]>> = {
  string: ['maxLength'],
  array: ['maxItems', 'items'],
  integer: ['minimum', 'maximum'],
  number: ['minimum', 'maximum'],
};

function unbounded(schema: Schema, path: string): string[] {
  const { type = [], items, properties = {}, exclusiveMinimum } = schema;
  const bounded = { minimum: exclusiveMinimum, ...schema };
  const needed =
    schema.enum === undefined ? [type].flat().flatMap((name) => bounds[name] ?? []) : [];
  return [
    ...needed.filter((name) => bounded[name] === undefined).map((name) => `${path} lacks ${name}`),
    ...(items === undefined ? [] : unbounded(items, `${path}[]`)),
    ...Object.entries(properties).flatMap(([name, field]) => unbounded(field, `${path}.${name}`)),
  ];
}

describe('every field that a client may send', () => {
  test('has a bound: strings a length, lists a number of items, numbers a range', async () => {
    await using api = await openApi();
    const { paths } = (await api.app.inject('/openapi.json')).json<{
      paths: Record<
        string,
        Record<
          string,
          {
            parameters?: { name: string; schema: Schema }[];
            requestBody?: { content: Record<string, { schema: Schema }> };
          }
        >
      >;
    }>();
    const found = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, { parameters = [], requestBody }]) => [
        ...parameters.flatMap(({ name, schema }) => unbounded(schema, `${method} ${path} ${name}`)),
        ...Object.values(requestBody?.content ?? {}).flatMap(({ schema }) =>
          unbounded(schema, `${method} ${path}`),
        ),
      ]),
    );
    assert.deepEqual(found, []);
  });

  test('is counted before its items are looked at', async () => {
    await using api = await openApi();
    const id = await api.createTask();
    // The first item is wrong too: the bound is what the answer names.
    const payload = { object_keys: [7, ...Array.from({ length: 10_000 }, () => 'a')] };
    const reply = await api.call('POST', `sync-tasks/${id}/events`, { payload });
    assert.equal(reply.statusCode, 400);
    assert.match(reply.body, /\[object_keys\] must not have more than 10000 items/);
  });
});
