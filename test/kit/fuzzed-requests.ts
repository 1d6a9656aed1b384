import { createHash, createHmac } from 'node:crypto';
import type { InjectOptions } from 'fastify';
import { canonicalRequests } from '../../src/surface/api/kit/signature.ts';
import type { Chance } from './seeded-random.ts';
import { type AccessKey, signedHeaders } from './sign-request.ts';

/** What is there, and lets in. */
interface Known {
  readonly projectId: string;
  readonly taskId: string;
  readonly token: string;
  readonly jwt: string;
  /** JWTs with odd claims and a valid signature. */
  readonly oddJwts: readonly [string, ...string[]];
  readonly key: AccessKey;
}

/** Claims that an issuer should not sign, but that a trusted issuer can sign. */
export function oddClaims(chance: Chance): Record<string, unknown> {
  const claim = chance.pick(['sub', 'groups', 'project', 'nbf', 'iat', 'jti']);
  const list = Array.from({ length: chance.below(5) }, () => chance.text());
  return {
    [claim]: chance.pick<unknown>([chance.json(), chance.text(), list, Array(300).fill('group')]),
    ...(chance.once(2) && { groups: chance.pick<unknown>([list, chance.text()]) }),
  };
}

/** A task that can be made. */
export const TASK = {
  src_cloud_type: 'AWS',
  src_region: 'us-east-1',
  src_bucket: 'source',
  src_ak: 'source-id',
  src_sk: 'source-secret',
  dst_cloud_type: 'HuaweiCloud',
  dst_region: 'cn-north-4',
  dst_bucket: 'target',
  dst_ak: 'target-id',
  dst_sk: 'target-secret',
  description: 'a task',
  enable_kms: false,
  enable_metadata_migration: true,
  enable_restore: false,
  object_overwrite_mode: 'FULL_OVERWRITE',
  consistency_check: 'size_last_modified',
  dst_storage_policy: 'STANDARD',
};
const POLICY = {
  Version: '1.1',
  Statement: [
    { Effect: 'Allow', Action: ['oms:synctask:*'], Resource: ['oms:*:*:synctask:*'] },
    { Effect: 'Deny', Action: ['oms:*:delete'] },
  ],
};
const LOGIN = {
  auth: {
    identity: {
      methods: ['password'],
      password: { user: { name: 'nobody', password: 'pass', domain: { name: 'x' } } },
    },
    scope: { project: { name: 'p' } },
  },
};

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

/** Calls as they should be. */
function calls({ projectId, taskId }: Known): readonly [Call, ...Call[]] {
  const tasks = `/v2/${projectId}/sync-tasks`;
  const now = Date.now();
  return [
    { method: 'POST', path: tasks, body: TASK },
    { method: 'POST', path: `${tasks}/${taskId}/events`, body: { object_keys: ['a%2Fb', 'c+d'] } },
    { method: 'POST', path: `${tasks}/${taskId}/start`, body: TASK },
    { method: 'POST', path: `${tasks}/${taskId}/stop` },
    { method: 'POST', path: `${tasks}/${taskId}/retry-failed`, body: { prefix: 'a/' } },
    { method: 'GET', path: `${tasks}?limit=10&offset=0&status=STOPPED` },
    { method: 'GET', path: `${tasks}/${taskId}?query_time=${now}` },
    { method: 'GET', path: `${tasks}/${taskId}/objects?limit=5&outcome=failed&prefix=a&cursor=YQ` },
    {
      method: 'GET',
      path: `${tasks}/${taskId}/statistics?data_type=SIZE,REQUEST&start_time=${now - 1e6}&end_time=${now}`,
    },
    { method: 'DELETE', path: `${tasks}/${taskId.replace(/.$/, '0')}` },
    { method: 'GET', path: `/v2/${projectId}/audit?limit=3` },
    { method: 'GET', path: '/v3/projects?name=x' },
    { method: 'GET', path: '/v3/auth/domains' },
    { method: 'POST', path: '/iam/v1/users', body: { name: 'somebody' } },
    { method: 'POST', path: '/iam/v1/groups', body: { name: 'some' } },
    { method: 'POST', path: '/iam/v1/projects', body: { name: 'project' } },
    { method: 'POST', path: '/iam/v1/grants', body: { user: 'u', project: 'p', policy: 'x' } },
    { method: 'PUT', path: '/iam/v1/policies/some', body: POLICY },
    { method: 'GET', path: '/v2' },
  ];
}

type Make = (chance: Chance, known: Known) => InjectOptions;

function toInject(
  { token }: Known,
  { method, path, body }: Call,
  headers: Record<string, string> = {},
): InjectOptions {
  const payload = body === undefined ? {} : { payload: JSON.stringify(body) };
  const type = { 'content-type': 'application/json' };
  return {
    method,
    url: path,
    headers: { 'x-auth-token': token, ...type, ...headers },
    ...payload,
  };
}

/** As a client signs that sends exactly this: what it names in odd ways included. */
function signedAsSent(
  sent: {
    readonly method: string;
    readonly url: URL;
    readonly headers: Readonly<Record<string, string>>;
    readonly payload: string;
  },
  { id, secret }: AccessKey,
): Record<string, string> {
  const { method, url, payload } = sent;
  const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const type = { 'content-type': 'application/json' };
  const headers = { ...type, 'host': 'localhost', ...sent.headers, 'x-sdk-date': date };
  const signedHeaders = Object.keys(headers).sort();
  const bodySha256 = createHash('sha256').update(payload).digest('hex');
  const claim = { accessKeyId: id, signedHeaders, signature: '', date, scope: undefined };
  const bodyLength = Buffer.byteLength(payload);
  const request = { method, url: url.pathname + url.search, headers, bodySha256, bodyLength };
  const [canonical = ''] = canonicalRequests(claim, request);
  const hash = createHash('sha256').update(canonical).digest('hex');
  const text = ['SDK-HMAC-SHA256', date, hash].join('\n');
  const signature = createHmac('sha256', secret).update(text).digest('hex');
  const authorization = `SDK-HMAC-SHA256 Access=${id}, SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`;
  return { ...headers, authorization };
}

/** What a header can carry. */
function headerText(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('latin1')
    .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '');
}

/** Kinds of inputs, and how many of a hundred they are. */
const kinds: Record<string, readonly [weight: number, make: Make]> = {
  'JSON of another shape': [
    26,
    (chance, known) => {
      const call = chance.pick(calls(known));
      let body = call.body ?? {};
      for (let times = 1 + chance.below(3); times > 0; times--)
        body = chance.mutate(body) as object;
      return toInject(known, {
        ...call,
        method: call.body === undefined ? 'POST' : call.method,
        body,
      });
    },
  ],
  'what is no JSON': [
    10,
    (chance, known) => {
      const call = chance.pick(calls(known));
      const text = Buffer.from(JSON.stringify(call.body ?? TASK));
      const payload = chance.once(4) ? chance.bytes(400) : chance.damage(text);
      const type = chance.pick([
        'application/json',
        'text/plain',
        'a/b+json',
        '',
        ';;',
        'application/json; charset=utf-7',
      ]);
      return {
        ...toInject(known, call),
        method: 'POST',
        payload,
        headers: { 'x-auth-token': known.token, 'content-type': type },
      };
    },
  ],
  'signatures': [
    20,
    (chance, known) => {
      const call = chance.pick(calls(known));
      const url = `http://localhost${call.path}`;
      const payload = call.body === undefined ? '' : JSON.stringify(call.body);
      const at = chance.once(5) ? chance.below(2 ** 31) * 1e6 : Date.now();
      const signed = signedHeaders({ method: call.method, url, body: payload, at }, known.key);
      const name = chance.pick(['authorization', 'authorization', 'x-sdk-date', 'host']);
      const damaged = headerText(chance.damage(Buffer.from(signed[name] ?? 'localhost')));
      return {
        method: call.method,
        url: call.path,
        payload,
        headers: { host: 'localhost', ...signed, [name]: damaged },
      };
    },
  ],
  'what is odd, and rightly signed': [
    8,
    (chance, known) => {
      const { method, path, body } = chance.pick(calls(known));
      const odd = encodeURIComponent(chance.text().toWellFormed());
      const cut = path.split('/');
      cut[1 + chance.below(cut.length - 1)] = odd;
      const pair = `${encodeURIComponent(chance.text().toWellFormed())}=${odd}`;
      const url = new URL(
        chance.pick([path, cut.join('/'), `${path}${path.includes('?') ? '&' : '?'}${pair}`]),
        'http://localhost',
      );
      const payload = body === undefined ? '' : JSON.stringify(chance.mutate(body) ?? null);
      const name = chance.pick(['x-project-id', 'x-odd', 'x-request-id', 'user-agent']);
      const headers = { [name]: headerText(Buffer.from(chance.text())).trim() };
      const signed = signedAsSent({ method, url, headers, payload }, known.key);
      return { method, url: url.pathname + url.search, payload, headers: signed };
    },
  ],
  'JWTs of odd claims': [
    2,
    (chance, known) =>
      toInject(known, chance.pick(calls(known)), { 'x-auth-token': chance.pick(known.oddJwts) }),
  ],
  'tokens': [
    14,
    (chance, known) => {
      const token = chance.pick([known.jwt, known.jwt, known.token]);
      const parts = token.split('.');
      const part = chance.below(parts.length);
      // Within the parts of a JWT too, where only what was decoded is damaged.
      const deep = Buffer.from(parts[part] ?? '', 'base64url');
      const inside = parts.with(part, chance.damage(deep).toString('base64url')).join('.');
      const damaged = chance.once(2) ? inside : headerText(chance.damage(Buffer.from(token)));
      const header = chance.pick(['x-auth-token', 'x-auth-token', 'x-subject-token']);
      return toInject(known, chance.pick(calls(known)), { [header]: damaged });
    },
  ],
  'policies': [
    5,
    (chance, known) => {
      const body = chance.mutate(chance.once(2) ? chance.mutate(POLICY) : POLICY);
      return toInject(known, { method: 'PUT', path: '/iam/v1/policies/some', body });
    },
  ],
  'percent-encodings': [
    13,
    (chance, known) => {
      const { method, path, body } = chance.pick(calls(known));
      const text = chance.pick([chance.text(), encodeURIComponent(chance.text().toWellFormed())]);
      if (chance.once(3)) {
        const keys = [text, chance.damage(Buffer.from('a%2Fb%E4%BD%A0')).toString()];
        return toInject(known, {
          method: 'POST',
          path: `/v2/${known.projectId}/sync-tasks/${known.taskId}/events`,
          body: { object_keys: keys },
        });
      }
      const [before = '', query = ''] = path.split('?');
      const sign = chance.pick([
        '%',
        '%2',
        '%00',
        '%ff',
        '%2F',
        '%252f',
        ';',
        '&&',
        '==',
        '?',
        '+',
        text,
      ]);
      const at = chance.below(query.length + 1);
      const inQuery = `${before}?${query.slice(0, at)}${encodeURI(sign.toWellFormed())}${query.slice(at)}`;
      const segments = before.split('/');
      segments[1 + chance.below(segments.length - 1)] = chance
        .pick([sign, text])
        .replaceAll(/[^!-~]/g, '');
      return toInject(known, { method, path: chance.once(2) ? inQuery : segments.join('/'), body });
    },
  ],
  'log-ins': [
    1,
    (chance, known) =>
      toInject(known, {
        method: 'POST',
        path: '/v3/auth/tokens',
        body: chance.mutate(chance.mutate(LOGIN)),
      }),
  ],
  'sizes': [
    1,
    (chance, known) => {
      const size = chance.pick([1, 1_000, 60_000, 400_000]);
      const body: unknown = chance.pick([
        { object_keys: Array.from({ length: chance.below(size) / 4 }, () => 'k') },
        { object_keys: ['k'.repeat(size)] },
        { ...TASK, description: 'd'.repeat(size) },
        Object.fromEntries(Array.from({ length: size / 20 }, (_, at) => [`f${at}`, at])),
      ]);
      const nested = `{"a":${'['.repeat(size)}`;
      const call = {
        method: 'POST',
        path: `/v2/${known.projectId}/sync-tasks/${known.taskId}/events`,
        body,
      } as const;
      return chance.once(4) ? { ...toInject(known, call), payload: nested } : toInject(known, call);
    },
  ],
};

/** Requests to the API that are almost right, or not at all. */
export class StrangeRequests {
  readonly #known: Known;

  constructor(known: Known) {
    this.#known = known;
  }

  next(chance: Chance): InjectOptions {
    let at = chance.below(100);
    for (const [weight, make] of Object.values(kinds)) {
      at -= weight;
      if (at < 0) return make(chance, this.#known);
    }
    throw new Error('the weights have a sum of 100');
  }
}
