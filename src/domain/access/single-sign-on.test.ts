import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, afterEach, before, describe, mock, test } from 'node:test';
import { base64url } from 'jose';
import { AUDIENCE, type OidcIssuer, startOidcIssuer } from '../../../test/kit/oidc-issuer.ts';
import { systemClock } from '../../platform/base/clock.ts';
import { silentLog } from '../../platform/base/log.ts';
import { ServiceError } from '../service-error.ts';
import { type Issuer, singleSignOn, TokenRefused } from './single-sign-on.ts';

const SECONDS = 1000;

function trusted({ issuer }: OidcIssuer, more: Partial<Issuer> = {}): Issuer {
  return { issuer, audience: AUDIENCE, userClaim: 'sub', ...more };
}

/** Our users, by their names. */
const ours: Readonly<Record<string, { readonly id: string; readonly enabled: boolean }>> = {
  ann: { id: 'id-of-ann', enabled: true },
  off: { id: 'id-of-off', enabled: false },
};

/** A single sign-on whose clock stands still until the test moves it. */
function signOn(issuers: readonly Issuer[]) {
  // The library that keeps the keys has no other clock than the system's.
  mock.timers.reset();
  mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const clock = {
    get time(): number {
      return Date.now();
    },
    set time(time) {
      mock.timers.setTime(time);
    },
  };
  const userNamed = async (name: string) => ours[name];
  const options = { issuers, userNamed, clock: systemClock, log: silentLog };
  return { clock, principalOf: singleSignOn(options) };
}

afterEach(() => mock.timers.reset());

function refusal(why: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof TokenRefused, String(error));
    assert.match(error.message, why);
    return true;
  };
}

function unavailable(error: unknown): boolean {
  return error instanceof ServiceError && error.problem === 'unavailable';
}

describe('a token of an issuer', () => {
  let issuer: OidcIssuer;
  before(async () => {
    issuer = await startOidcIssuer();
  });
  after(() => issuer[Symbol.asyncDispose]());

  test('says who holds it, in which groups, and for which project', async () => {
    const host = new URL(issuer.issuer).host;
    const claims = { email: 'ann@corp.example', roles: ['ops', 'dev'], tenant: 'p1' };
    const principal = { kind: 'single-sign-on', userId: undefined };
    const plain = signOn([trusted(issuer)]);
    assert.deepEqual(await plain.principalOf(await issuer.sign(claims)), {
      ...{ ...principal, name: `ann of ${host}`, groups: [], projectId: undefined },
    });
    const mapped = signOn([
      trusted(issuer, {
        ...{ userClaim: 'email', groupsClaim: 'roles', projectClaim: 'tenant', project: 'p0' },
      }),
    ]);
    assert.deepEqual(await mapped.principalOf(await issuer.sign(claims)), {
      ...{ ...principal, name: `ann@corp.example of ${host}` },
      ...{ groups: ['ops', 'dev'], projectId: 'p1' },
    });
    const bare = { email: 'ben@corp.example', roles: 'ops' };
    assert.partialDeepStrictEqual(await mapped.principalOf(await issuer.sign(bare)), {
      ...{ groups: ['ops'], projectId: 'p0' },
    });
  });

  test('names groups with the prefix of its issuer', async () => {
    const { principalOf } = signOn([
      trusted(issuer, { groupsClaim: 'roles', groupsPrefix: 'corp.' }),
    ]);
    const principal = await principalOf(await issuer.sign({ roles: ['ops', 'dev'] }));
    assert.deepEqual(principal?.groups, ['corp.ops', 'corp.dev']);
  });

  test('is of our user of that name only where the issuer’s users are ours', async () => {
    const mapped = signOn([trusted(issuer, { mapsUsers: true })]);
    const users = async (sub: string) =>
      (await mapped.principalOf(await issuer.sign({ sub })))?.userId;
    assert.equal(await users('ann'), 'id-of-ann');
    // Only by its name, and only as it is written.
    for (const sub of ['id-of-ann', 'Ann', 'nobody'])
      assert.equal(await users(sub), undefined, sub);
    await assert.rejects(users('off'), refusal(/its user is disabled here/));
    const plain = signOn([trusted(issuer)]);
    assert.equal((await plain.principalOf(await issuer.sign({ sub: 'ann' })))?.userId, undefined);
    assert.ok(await plain.principalOf(await issuer.sign({ sub: 'off' })));
  });

  test('is valid from its start to its end, with a tolerance of half a minute', async () => {
    const { clock, principalOf } = signOn([trusted(issuer)]);
    const now = Math.floor(clock.time / SECONDS);
    const token = await issuer.sign({ nbf: now + 100, exp: now + 200 });
    for (const [second, good] of [
      [60, false],
      [80, true],
      [190, true],
      [220, true],
      [240, false],
    ] as const) {
      clock.time = (now + second) * SECONDS;
      if (good) assert.ok(await principalOf(token));
      else
        await assert.rejects(
          principalOf(token),
          second < 100 ? refusal(/its nbf/) : refusal(/expired/),
        );
    }
  });

  test('must name our audience, an end and its holder, in claims of the right form', async () => {
    const { principalOf } = signOn([
      trusted(issuer, { userClaim: 'email', groupsClaim: 'roles', projectClaim: 'tenant' }),
    ]);
    const email = 'ann@corp.example';
    const mistakes: readonly (readonly [Record<string, unknown>, RegExp])[] = [
      [{ email, aud: 'another-service' }, /its aud is not the expected value/],
      [{ email, aud: undefined }, /its aud is missing/],
      [{ email, exp: undefined }, /its exp is missing/],
      [{}, /its email is missing/],
      [{ email: '' }, /its email must be a text/],
      [{ email: 5 }, /its email must be a text/],
      [{ email: 'x'.repeat(257) }, /its email must be a text/],
      [{ email: 'a\0b' }, /its email must be a text/],
      [{ email: '\ud83d' }, /its email must be a text/],
      [{ email, roles: { admin: true } }, /its roles must be a list/],
      [{ email, roles: ['a\0'] }, /its roles must be a list/],
      [{ email, roles: ['\udfff'] }, /its roles must be a list/],
      [{ email, roles: [''] }, /its roles must be a list/],
      [{ email, roles: ['x'.repeat(257)] }, /its roles must be a list/],
      [{ email, roles: Array.from({ length: 201 }, () => 'ops') }, /at most 200 names/],
      [{ email, tenant: 'p\0' }, /its tenant must be a text/],
      [{ email, roles: ['ops', 5] }, /its roles must be a list/],
    ];
    for (const [claims, why] of mistakes) {
      await assert.rejects(principalOf(await issuer.sign(claims)), refusal(why));
    }
  });

  test('has no holder when its issuer is unknown, or it is not a JWT', async () => {
    const { principalOf } = signOn([trusted(issuer)]);
    await using stranger = await startOidcIssuer();
    const tokens = [await stranger.sign(), await issuer.sign({ iss: `${issuer.issuer}/` })];
    for (const token of [...tokens, '', 'bb_x', 'a.b.c', '.'.repeat(16_000), 'e30.e30.']) {
      assert.equal(await principalOf(token), undefined);
    }
    assert.deepEqual(stranger.asked, []);
  });

  test('cannot be forged with another key, changed claims, no signature or a shared secret', async () => {
    const { principalOf } = signOn([trusted(issuer)]);
    await using stranger = await startOidcIssuer();
    const claims = { iss: issuer.issuer };
    const foreign = await stranger.sign(claims, { kid: 'key-1' });
    await assert.rejects(principalOf(foreign), refusal(/its signature/));
    const [header = '', , signature = ''] = (await issuer.sign()).split('.');
    const payload = base64url.encode(
      JSON.stringify({ iss: issuer.issuer, aud: AUDIENCE, sub: 'root', exp: 9_999_999_999 }),
    );
    await assert.rejects(
      principalOf(`${header}.${payload}.${signature}`),
      refusal(/its signature/),
    );
    const none = base64url.encode(JSON.stringify({ alg: 'none' }));
    await assert.rejects(principalOf(`${none}.${payload}.`), refusal(/is not signed by RS256/));
    const shared = base64url.encode(JSON.stringify({ alg: 'HS256', kid: 'key-1' }));
    const hmac = createHmac('sha256', 'public key').update(`${shared}.${payload}`);
    const forged = `${shared}.${payload}.${hmac.digest('base64url')}`;
    await assert.rejects(principalOf(forged), refusal(/is not signed by RS256/));
    const critical = base64url.encode(JSON.stringify({ alg: 'ES256', kid: 'key-1', crit: ['x'] }));
    await assert.rejects(
      principalOf(`${critical}.${payload}.${signature}`),
      refusal(/its signature/),
    );
  });

  test('is verified by each algorithm of key pairs that issuers use', async () => {
    for (const algorithm of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
      await using other = await startOidcIssuer(algorithm);
      assert.ok(await signOn([trusted(other)]).principalOf(await other.sign()), algorithm);
    }
    await using other = await startOidcIssuer('ES384');
    const { principalOf } = signOn([trusted(other)]);
    await assert.rejects(principalOf(await other.sign()), refusal(/is not signed by/));
  });
});

describe('the keys of an issuer', () => {
  test('are requested once, and again, at a limited rate, when a token names a new one', async () => {
    await using issuer = await startOidcIssuer();
    const { clock, principalOf } = signOn([trusted(issuer)]);
    const old = await issuer.sign();
    await Promise.all(Array.from({ length: 10 }, () => principalOf(old)));
    assert.deepEqual(issuer.asked, ['/realm/.well-known/openid-configuration', '/realm/keys']);
    await issuer.rotate();
    const rotated = await issuer.sign();
    // A made-up key ID causes no request.
    await assert.rejects(principalOf(rotated), refusal(/no such key/));
    clock.time += 29 * SECONDS;
    await assert.rejects(principalOf(rotated), refusal(/no such key/));
    assert.equal(issuer.asked.length, 2);
    clock.time += SECONDS;
    assert.ok(await principalOf(rotated));
    assert.equal(issuer.asked.length, 3);
    for (let kid = 0; kid < 20; kid++) {
      const made = issuer.sign({}, { kid: `made-up-${kid}` });
      await assert.rejects(principalOf(await made), refusal(/no such key/));
    }
    assert.equal(issuer.asked.length, 3);
    await assert.rejects(principalOf(old), refusal(/no such key/));
  });

  test('that are withdrawn are accepted for ten more minutes', async () => {
    await using issuer = await startOidcIssuer();
    const { clock, principalOf } = signOn([trusted(issuer)]);
    const token = await issuer.sign();
    assert.ok(await principalOf(token));
    await issuer.rotate();
    clock.time += 9 * 60 * SECONDS;
    assert.ok(await principalOf(token));
    clock.time += 60 * SECONDS;
    await assert.rejects(principalOf(token), refusal(/no such key/));
  });

  test('of an issuer that is down are requested at most every two seconds, and used once it is back', async () => {
    await using issuer = await startOidcIssuer();
    issuer.down = true;
    const { clock, principalOf } = signOn([trusted(issuer)]);
    const token = await issuer.sign();
    for (let time = 0; time < 10; time++) await assert.rejects(principalOf(token), unavailable);
    assert.equal(issuer.asked.length, 1);
    clock.time += 1.9 * SECONDS;
    await assert.rejects(principalOf(token), unavailable);
    assert.equal(issuer.asked.length, 1);
    issuer.down = false;
    clock.time += 0.1 * SECONDS;
    assert.ok(await principalOf(token));
    // The keys that it sent before stay valid while it is unavailable.
    issuer.down = true;
    clock.time += 60 * SECONDS;
    const made = await issuer.sign({}, { kid: 'made-up' });
    await assert.rejects(principalOf(made), unavailable);
    assert.ok(await principalOf(token));
  });

  test('can be at an address that is given', async () => {
    await using issuer = await startOidcIssuer();
    const jwksUri = `${issuer.issuer}/keys`;
    assert.ok(await signOn([trusted(issuer, { jwksUri })]).principalOf(await issuer.sign()));
    assert.deepEqual(issuer.asked, ['/realm/keys']);
  });

  test('are not taken from an invalid discovery document', async () => {
    await using issuer = await startOidcIssuer();
    for (const discovery of [
      { issuer: 'https://other.example' },
      { jwks_uri: undefined },
      { jwks_uri: 'file:///etc/passwd' },
      { jwks_uri: `${issuer.issuer}/nothing` },
    ]) {
      issuer.discovery = discovery;
      await assert.rejects(signOn([trusted(issuer)]).principalOf(await issuer.sign()), unavailable);
    }
  });
});
