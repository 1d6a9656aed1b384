import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { Secret } from '../../src/platform/base/seal.ts';
import { insertToken } from '../../src/domain/access/tokens-table.ts';
import { actions } from '../../src/platform/model/policy.ts';
import { hashOfToken } from '../../src/domain/access/gatekeeper.ts';
import type { Principal } from '../../src/domain/access/identity-service.ts';
import { GROUPS, mayInModel, type Model, urn, USERS } from '../kit/rights-model.ts';
import { startTestService, type TestService } from '../kit/service.ts';

/*
 * Random users, groups, policies, grants and requests, in any order, compared with a model of what each user
 * may do. The model is a second implementation of the documentation, slow and plain.
 */

/** Each has about a hundred steps: enough for every kind of step and answer, whatever the seed. */
const RUNS = 16;
const POLICIES = [
  'one',
  'two',
  'OMS Administrator',
  'OMS ReadOnlyAccess',
  'Security Administrator',
];
const NOWHERE = 'ffffffffffffffffffffffffffffffff';
const NO_TASK = '00000000-0000-4000-8000-000000000000';

/** How often each kind of step was taken, and each status answered. */
const done = new Map<string, number>();

function tally(what: string): void {
  done.set(what, (done.get(what) ?? 0) + 1);
}

let service: TestService;
/** IDs of two projects, and of a task in each. */
let projects: string[];
let tasks: string[];

before(async () => {
  service = await startTestService({ works: false });
  const { identity } = service.brigade;
  const other = await identity.createProject({ name: 'other', id: undefined });
  projects = [service.projectId, other.id];
  for (const name of USERS) await identity.createUser({ name, password: undefined });
  for (const name of GROUPS) await identity.createGroup(name);
  const place = { cloud: 'AWS', region: 'r', endpoint: 'http://127.0.0.1:1' } as const;
  const keys = { accessKeyId: 'a', secretAccessKey: new Secret('s') };
  tasks = [];
  for (const project of projects) {
    const task = await service.brigade.syncTasks.create(project, {
      ...{ source: { ...place, bucket: 'source' }, target: { ...place, bucket: 'target' } },
      ...{ sourceCdn: undefined, description: '' },
      ...{ metadataMigration: false, storagePolicy: undefined, appId: undefined },
      ...{
        overwriteMode: 'FULL_OVERWRITE',
        consistencyCheck: 'no_check',
        kms: false,
        restore: false,
        missingSource: 'fail',
      },
      credentials: { source: keys, target: keys },
    });
    tasks.push(task.id);
  }
});
after(() => service[Symbol.asyncDispose]());

const some = <const T>(...items: readonly T[]) => fc.constantFrom(...items);
const bit = fc.nat(1);
const holder = some<string>(...USERS, ...GROUPS);

const actionPattern = some(
  ...['*', 'oms:*:*', 'oms:synctask:*', 'OMS:SyncTask:LIST', 'oms:synctask:?et', '*:list', 'iam:*'],
  ...actions,
);
/** The places in them are filled in when there are projects and tasks. */
const resourcePattern = some(
  ...['*', 'oms:local:P0:synctask:*', 'oms:*:P1:*', 'oms:local:*:synctask:T0'],
  ...['oms:local:P?:synctask:t1', 'iam:*', 'audit:local:P0:entry:\*', 'oms:local:*:synctask:\*'],
);
const statement = fc.record({
  Effect: some('Allow', 'Allow', 'Allow', 'Allow', 'Deny'),
  Action: fc.array(actionPattern, { minLength: 1, maxLength: 4 }),
  Resource: fc.option(fc.array(resourcePattern, { minLength: 1, maxLength: 2 }), {
    nil: undefined,
  }),
});

const operations = {
  list: ['GET', 'sync-tasks', 'oms:synctask:list', 200],
  create: ['POST', 'sync-tasks', 'oms:synctask:create', 400],
  show: ['GET', 'TASK?query_time=1700000000000', 'oms:synctask:get', 200],
  objects: ['GET', 'TASK/objects', 'oms:synctask:get', 200],
  remove: ['DELETE', 'TASK', 'oms:synctask:delete', 400],
  start: ['POST', 'TASK/start', 'oms:synctask:update', 400],
  retry: ['POST', 'TASK/retry-failed', 'oms:synctask:update', 200],
  event: ['POST', 'TASK/events', 'oms:synctask:createEvent', 200],
  statistics: [
    ...['GET', 'TASK/statistics?data_type=SUCCESS&start_time=START&end_time=END'],
    ...['oms:synctask:statistics', 200],
  ],
  audit: ['GET', 'audit', 'audit:list', 200],
  users: ['GET', '/iam/v1/users', 'iam:read', 200],
  group: ['DELETE', '/iam/v1/groups/none', 'iam:write', 404],
} as unknown as Record<string, readonly ['GET', string, string, number]>;

const step = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ do: some('grant'), holder, project: bit, policy: some(...POLICIES) }),
  },
  { weight: 1, arbitrary: fc.record({ do: some('revoke'), nth: fc.nat(9) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{ do: some('member'), group: some(...GROUPS), user: some(...USERS), is: fc.boolean() },
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{ do: some('policy'), name: some('one', 'two') },
      statements: fc.array(statement, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: some('enable'), user: some(...USERS), is: some(true, true, false) }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      ...{ do: some('ask'), user: some(...USERS), of: bit, task: fc.nat(4) },
      /** Most often its own project. */
      path: some(undefined, undefined, undefined, 0, 1, 2),
      operation: some(...Object.keys(operations)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      ...{ do: some('may'), user: fc.option(some(...USERS)), vouched: fc.subarray([...GROUPS]) },
      ...{ project: bit, action: some(...actions), task: fc.nat(4) },
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
type Of<Kind extends Step['do']> = Extract<Step, { readonly do: Kind }>;

function filledIn(pattern: string): string {
  const [p0 = '', p1 = ''] = projects;
  const [t0 = '', t1 = ''] = tasks;
  const texts = { 'P0': p0, 'P1': p1, 'P?': '*', 'T0': t0, 't1': t1.toUpperCase() };
  return Object.entries(texts).reduce((all, [name, text]) => all.replace(name, text), pattern);
}

function taskOf(number: number): string {
  const [t0 = '', t1 = ''] = tasks;
  return [t0, t1, t0.toUpperCase(), NO_TASK, 'no-uuid'][number] ?? '';
}

const run: { readonly [Kind in Step['do']]: (model: Model, step: Of<Kind>) => Promise<void> } = {
  async grant(model, { holder: name, project: at, policy }) {
    const project = projects[at] ?? '';
    const known = policy !== 'one' && policy !== 'two' ? true : model.policies.has(policy);
    const isUser = USERS.some((user) => user === name);
    const to = isUser ? { user: name, group: undefined } : { user: undefined, group: name };
    const made = service.brigade.identity.createGrant({ ...to, projectId: project, policy });
    const twice = model.grants.some(
      (one) => one.holder === name && one.project === project && one.policy === policy,
    );
    if (twice || !known) return assert.rejects(made);
    model.grants.push({ id: (await made).id, holder: name, project, policy });
  },

  async revoke(model, { nth }) {
    const [grant] = model.grants.splice(nth, 1);
    if (grant !== undefined) await service.brigade.identity.deleteGrant(grant.id);
  },

  async member(model, { group, user, is }) {
    const { identity } = service.brigade;
    if (is) await identity.addMember(group, user);
    else await identity.removeMember(group, user);
    model.members[is ? 'add' : 'delete'](`${group}/${user}`);
  },

  async policy(model, { name, statements }) {
    const Statement = statements.map(({ Resource, ...rest }) => ({
      ...rest,
      Resource: Resource?.map(filledIn),
    }));
    const policy = { Version: '5.0', Statement };
    await service.brigade.identity.putPolicy(name, policy);
    model.policies.set(name, policy);
  },

  async enable(model, { user, is }) {
    await service.brigade.identity.updateUser(user, { enabled: is });
    model.enabled[is ? 'add' : 'delete'](user);
    // Those of before stay ended when the user comes back.
    for (const project of projects) {
      const known = model.tokens.get(`${user} ${project}`);
      if (known !== undefined) known.live = false;
    }
  },

  async ask(model, { user, of, path, task: number, operation }) {
    const [method, template, action, whenAllowed] = operations[operation] ?? assert.fail();
    const own = projects[of] ?? '';
    const project = template.startsWith('/') ? own : ([...projects, NOWHERE][path ?? of] ?? '');
    const task = template.includes('TASK') ? taskOf(number) : undefined;
    const { token, live } = await tokenOf(model, user, own);
    const reply = await send(token, method, urlOf(template, project, task));

    const what = { project, action, task };
    const may = project === own && mayInModel(model, { user, groups: [] }, what);
    const expected = live ? statusOf(may, what, whenAllowed) : 401;
    tally(String(expected));
    assert.equal(reply.status, expected, `${operation} ${reply.text}`);
    // A user who is enabled again logs in again.
    if (expected === 401 && model.enabled.has(user)) model.tokens.delete(`${user} ${own}`);
    sameAsEver(expected, what, reply.text);
  },

  async may(model, { user, vouched, project: at, action, task: number }) {
    const project = projects[at] ?? '';
    const task = action.startsWith('oms:') ? taskOf(number) : undefined;
    const id = await idOf(user);
    const principal: Principal = {
      ...{ kind: 'single-sign-on', name: 'somebody', userId: id, groups: vouched },
      projectId: undefined,
    };
    const resource = urn(project, action, task);
    const actual = await service.brigade.gatekeeper.may(principal, project, { action, resource });
    const who = { user, groups: vouched };
    assert.equal(actual, mayInModel(model, who, { project, action, task }));
    const bound = { ...principal, projectId: projects[1 - at] };
    assert.ok(!(await service.brigade.gatekeeper.may(bound, project, { action, resource })));
  },
};

function statusOf(
  may: boolean,
  { project, task }: { readonly project: string; readonly task: string | undefined },
  whenAllowed: number,
): number {
  if (!may) return 403;
  const there = task === undefined || task.toLowerCase() === tasks[projects.indexOf(project)];
  return there ? whenAllowed : 404;
}

let ids: Map<string, string> | undefined;

async function idOf(user: string | null): Promise<string | undefined> {
  ids ??= new Map(
    (await service.brigade.identity.listUsers()).map(({ id, name }) => [name, id] as const),
  );
  return user === null ? undefined : ids.get(user);
}

/** A token as a log-in makes one, but for the time that a password takes. */
async function tokenOf(model: Model, user: string, projectId: string) {
  const key = `${user} ${projectId}`;
  const known = model.tokens.get(key);
  if (known !== undefined) return known;
  const token = `bb_${randomBytes(32).toString('base64url')}`;
  const userId = (await idOf(user)) ?? '';
  const lifetimeMs = 3_600_000;
  await insertToken(service.database, { hash: hashOfToken(token), projectId, userId, lifetimeMs });
  const made = { token, live: model.enabled.has(user) };
  model.tokens.set(key, made);
  return made;
}

async function send(token: string, method: 'GET', url: string) {
  const payload = url.endsWith('/events') ? { payload: { object_keys: ['key'] } } : {};
  const headers = { 'x-auth-token': token };
  const reply = await service.api.inject({ method, url, headers, ...payload });
  return { status: reply.statusCode, text: reply.body };
}

function urlOf(template: string, project: string, task: string | undefined): string {
  if (template.startsWith('/')) return template;
  const end = Date.now();
  return `/v2/${project}/${template}`
    .replace('TASK', `sync-tasks/${task ?? ''}`)
    .replace('START', String(end - 3_600_000))
    .replace('END', String(end));
}

const texts = new Map<string, string>();

/** A refusal has the same text whether the project or the task exists, does not exist, or belongs to another user. */
function sameAsEver(
  status: number,
  asked: { readonly project: string; readonly action: string; readonly task: string | undefined },
  text: string,
): void {
  const { project, action, task } = asked;
  if (status !== 403 && (status !== 404 || task === undefined)) return;
  const refusal = status === 403 ? `403 of ${action}` : '404 of a task';
  // A refusal names the project and the task of the request, and nothing else.
  const said = [project, ...(task === undefined ? [] : [task])].reduce(
    (left, id) => left.replaceAll(id, 'ASKED'),
    text,
  );
  const known = texts.get(refusal) ?? said;
  texts.set(refusal, known);
  assert.equal(said, known, refusal);
  for (const id of [...projects, ...tasks]) assert.ok(!said.includes(id), refusal);
}

/** Resets everything except policies: a policy that is not granted has no effect. */
async function begin(): Promise<Model> {
  const { identity } = service.brigade;
  for (const { id } of await identity.listGrants()) await identity.deleteGrant(id);
  for (const group of GROUPS) for (const user of USERS) await identity.removeMember(group, user);
  for (const user of USERS) await identity.updateUser(user, { enabled: true });
  for (const { name, system } of await identity.listPolicies()) {
    if (!system) await identity.deletePolicy(name);
  }
  const model: Model = {
    enabled: new Set(USERS),
    members: new Set(),
    policies: new Map(),
    grants: [],
    tokens: new Map(),
  };
  // Some grants to begin with: without any, most requests would be denied.
  const all = [{ Effect: 'Allow', Action: ['*'], Resource: undefined }] as const;
  for (const name of ['one', 'two'] as const) {
    await run.policy(model, { do: 'policy', name, statements: [{ ...all[0], Action: ['*'] }] });
    for (const [project, holder] of [
      [0, 'ann'],
      [0, 'ops'],
      [1, 'ben'],
      [1, 'dev'],
    ] as const) {
      if ((name === 'one') === USERS.some((user) => user === holder)) {
        await run.grant(model, { do: 'grant', holder, project, policy: name });
      }
    }
  }
  return model;
}

test(`users may do exactly what was granted to them, in ${RUNS} random sequences of steps`, async () => {
  const outcome = await fc.check(
    fc.asyncProperty(
      fc.array(step, { minLength: 60, maxLength: 150, size: 'max' }),
      async (steps) => {
        const model = await begin();
        for (const one of steps) {
          tally(one.do);
          await (run[one.do] as (model: Model, one: Step) => Promise<void>)(model, one);
        }
      },
    ),
    { numRuns: RUNS },
  );
  assert.ok(
    !outcome.failed,
    `${fc.defaultReportMessage(outcome)} ${String(outcome.errorInstance)}`,
  );
  for (const kind of [...Object.keys(run), '200', '401', '403', '404']) {
    assert.ok(done.has(kind), `${kind} never occurred`);
  }
});
