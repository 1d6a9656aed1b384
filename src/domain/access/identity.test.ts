import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ShiftedClock } from '../../../test/kit/shifted-clock.ts';
import { startTestService, type TestService } from '../../../test/kit/service.ts';
import { Secret } from '../../platform/base/seal.ts';
import { urnOf } from '../../platform/model/policy.ts';
import type { Principal } from './identity-service.ts';
import { ServiceError } from '../service-error.ts';
import { ensureFirstAccessKey, ensureFirstToken } from './tokens.ts';

const PASSWORD = 'twelve or more characters';
/** How long another process believes what it heard. */
const ELSEWHERE_MS = 10_000;
const document = {
  Version: '5.0',
  Statement: [{ Effect: 'Allow', Action: ['oms:synctask:list'] }],
} as const;

/** Both believe what they heard: what is taken away by the one must end at the other as well. */
describe('what is revoked', () => {
  let here: TestService;
  let elsewhere: TestService;
  const clock = new ShiftedClock();
  before(async () => {
    here = await startTestService({ works: false });
    elsewhere = await startTestService({ beside: here, works: false, clock });
  });
  after(async () => {
    await elsewhere[Symbol.asyncDispose]();
    await here[Symbol.asyncDispose]();
  });

  let made = 0;

  /** A user in a group with a grant, with a token and a key that both processes have seen. */
  async function somebody() {
    const { identity } = here.brigade;
    const name = `user-${++made}`;
    const group = `group-${made}`;
    const policy = `policy-${made}`;
    await identity.createUser({ name, password: PASSWORD });
    await identity.createGroup(group);
    await identity.addMember(group, name);
    await identity.putPolicy(policy, document);
    const { projectId } = here;
    const grant = await identity.createGrant({ user: undefined, group, projectId, policy });
    const { token } = await identity.logIn({ user: name, password: PASSWORD, project: undefined });
    const { id: key } = await identity.createAccessKey(name);

    const ofToken = ({ brigade }: TestService) => brigade.gatekeeper.principalOf(token);
    const ofKey = async ({ brigade }: TestService) =>
      (await brigade.gatekeeper.accessKey(key))?.principal;
    const mayList = async (
      service: TestService,
      principalOf: (service: TestService) => Promise<Principal | undefined>,
    ) => {
      const principal = await principalOf(service);
      if (principal === undefined) return false;
      const action = 'oms:synctask:list';
      const access = { action, resource: urnOf(action, projectId) } as const;
      return await service.brigade.gatekeeper.may(principal, projectId, access);
    };
    /** By token and by key. */
    const enters = async (service: TestService) =>
      [await mayList(service, ofToken), await mayList(service, ofKey)] as const;
    for (const service of [here, elsewhere]) {
      assert.deepEqual(await enters(service), [true, true]);
    }
    return { name, group, policy, grant: grant.id, token, key, enters };
  }

  type Somebody = Awaited<ReturnType<typeof somebody>>;
  const nothing = [false, false];
  const identity = () => here.brigade.identity;

  const ends: Record<
    string,
    readonly [(who: Somebody) => Promise<unknown>, left: readonly boolean[]]
  > = {
    'a user that is disabled': [
      ({ name }) => identity().updateUser(name, { enabled: false }),
      nothing,
    ],
    'a user that is deleted': [({ name }) => identity().deleteUser(name), nothing],
    'a password that changes': [
      ({ name }) => identity().updateUser(name, { password: `another ${PASSWORD}` }),
      [false, true],
    ],
    'a token that is revoked': [({ token }) => identity().revokeToken(token), [false, true]],
    'a key that is disabled': [({ key }) => identity().enableAccessKey(key, false), [true, false]],
    'a key that is deleted': [({ key }) => identity().deleteAccessKey(key), [true, false]],
    'a user that leaves a group': [
      ({ group, name }) => identity().removeMember(group, name),
      nothing,
    ],
    'a group that is deleted': [({ group }) => identity().deleteGroup(group), nothing],
    'a grant that is taken back': [({ grant }) => identity().deleteGrant(grant), nothing],
    'a policy that changes': [
      ({ policy }) =>
        identity().putPolicy(policy, {
          ...document,
          Statement: [...document.Statement, { Effect: 'Deny', Action: ['oms:*'] }],
        }),
      nothing,
    ],
  };

  test('ends at once here, and soon elsewhere', async () => {
    const all = await Promise.all(
      Object.entries(ends).map(async ([what, [end, left]]) => ({
        ...{ what, end, left, who: await somebody() },
      })),
    );
    for (const { what, end, left, who } of all) {
      // The changes of the other cases have cleared the cache of this process: fill it again.
      assert.deepEqual(await who.enters(here), [true, true], what);
      await end(who);
      assert.deepEqual(await who.enters(here), left, what);
    }
    clock.putForward(ELSEWHERE_MS);
    for (const { what, left, who } of all) {
      assert.deepEqual(await who.enters(elsewhere), left, what);
    }
  });

  test('stays revoked: a user who is enabled again has keys, but no earlier token', async () => {
    const who = await somebody();
    await identity().updateUser(who.name, { enabled: false });
    const login = { user: who.name, password: PASSWORD, project: undefined };
    const refused = (error: unknown) =>
      error instanceof ServiceError && error.problem === 'wrong-password';
    await assert.rejects(identity().logIn(login), refused);
    await identity().updateUser(who.name, { enabled: true });
    assert.deepEqual(await who.enters(here), [false, true]);
    const { token } = await identity().logIn(login);
    assert.ok((await here.brigade.gatekeeper.principalOf(token)) !== undefined);
  });

  test('is removed with its user: nothing of it is left in the database', async () => {
    const who = await somebody();
    await identity().createGrant({
      ...{ user: who.name, group: undefined, projectId: here.projectId, policy: who.policy },
    });
    const user = (await identity().listUsers()).find(({ name }) => name === who.name);
    await identity().deleteUser(who.name);
    for (const table of ['tokens', 'access_keys', 'grants', 'group_members']) {
      const sql = `select count(*)::int as n from ${table} where user_id = $1`;
      const { rows } = await here.database.query<{ n: number }>(sql, [user?.id ?? '']);
      assert.equal(rows[0]?.n, 0, table);
    }
  });
});

/** A process that has refused a caller must not go on refusing it for what it remembers. */
describe('what is granted', () => {
  let here: TestService;
  let elsewhere: TestService;
  const clock = new ShiftedClock();
  before(async () => {
    here = await startTestService({ works: false });
    elsewhere = await startTestService({ beside: here, works: false, clock });
  });
  after(async () => {
    await elsewhere[Symbol.asyncDispose]();
    await here[Symbol.asyncDispose]();
  });

  test('a first token: holds at once in each process, also where it was unknown a moment ago', async () => {
    const token = 'given-at-the-next-start';
    for (const { brigade } of [here, elsewhere]) {
      assert.equal(await brigade.gatekeeper.principalOf(token), undefined);
    }
    await ensureFirstToken(here.database, token);
    for (const { brigade } of [here, elsewhere]) {
      assert.equal((await brigade.gatekeeper.principalOf(token))?.kind, 'first-token');
    }
  });

  test('a first access key: holds at once in each process, also where it was unknown a moment ago', async () => {
    const id = 'KEYOFTHENEXTSTART';
    const { database, sealer, projectId } = here;
    for (const { brigade } of [here, elsewhere]) {
      assert.equal(await brigade.gatekeeper.accessKey(id), undefined);
    }
    await ensureFirstAccessKey({ database, sealer }, { id, secret: new Secret('s'), projectId });
    for (const { brigade } of [here, elsewhere]) {
      assert.ok((await brigade.gatekeeper.accessKey(id)) !== undefined);
    }
  });

  test('a user: known at once in each process, and again when enabled again', async () => {
    const enabled = async ({ brigade }: TestService) =>
      (await brigade.gatekeeper.userNamed('late'))?.enabled;
    const { identity } = here.brigade;
    assert.equal(await enabled(elsewhere), undefined);
    await identity.createUser({ name: 'late', password: PASSWORD });
    assert.equal(await enabled(elsewhere), true);
    await identity.updateUser('late', { enabled: false });
    clock.putForward(ELSEWHERE_MS);
    assert.equal(await enabled(elsewhere), false);
    await identity.updateUser('late', { enabled: true });
    assert.equal(await enabled(elsewhere), true);
  });

  test('a right: holds at once in each process, also where it was missing a moment ago', async () => {
    const { identity } = here.brigade;
    await identity.createUser({ name: 'granted', password: PASSWORD });
    await identity.putPolicy('late-policy', document);
    const { id: key } = await identity.createAccessKey('granted');
    const { projectId } = here;
    const action = 'oms:synctask:list';
    const access = { action, resource: urnOf(action, projectId) } as const;
    const mayList = async ({ brigade: { gatekeeper } }: TestService) => {
      const known = await gatekeeper.accessKey(key);
      return known !== undefined && (await gatekeeper.may(known.principal, projectId, access));
    };
    assert.equal(await mayList(elsewhere), false);
    await identity.createGrant({
      ...{ user: 'granted', group: undefined, projectId, policy: 'late-policy' },
    });
    assert.equal(await mayList(elsewhere), true);
  });
});
