import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FastifyRequest } from 'fastify';
import { RateLimit } from '../../../platform/base/rate-limit.ts';
import { actions } from '../../../platform/model/policy.ts';
import { costOf, Limits, type RequestLimits } from './limits.ts';
import { RequestError } from './request-error.ts';

function from(ip: string, projectId = 'p'): FastifyRequest {
  return { ip, projectId } as FastifyRequest;
}

function limited(limits: Partial<RequestLimits>) {
  const clock = { time: 1_000_000 };
  const none = {
    logInsPerMinute: 0,
    authFailuresPerMinute: 0,
    callsPerMinute: 0,
    eventsPerMinute: 0,
    listsPerMinute: 0,
  };
  const now = (): number => clock.time;
  const all = { ...none, ...limits };
  const rate = new RateLimit({ perMinute: all.logInsPerMinute, now });
  return { clock, limits: new Limits(all, { take: async (address) => rate.take(address) }, now) };
}

function isTooMany(seconds: number) {
  return (error: unknown): boolean =>
    error instanceof RequestError &&
    error.problem === 'too-many-requests' &&
    error.retryAfterSeconds === seconds;
}

describe('limits', () => {
  test('of log-ins are an address’s', async () => {
    const { clock, limits } = limited({ logInsPerMinute: 2 });
    await limits.logIn(from('192.0.2.1'));
    await limits.logIn(from('192.0.2.1'));
    await assert.rejects(() => limits.logIn(from('192.0.2.1')), isTooMany(30));
    await limits.logIn(from('192.0.2.2'));
    clock.time += 30_000;
    await limits.logIn(from('192.0.2.1'));
  });

  test('see one client in a network of 64 bits', async () => {
    for (const [one, other, same] of [
      ['2001:db8:1:2::1', '2001:db8:1:2:3:4:5:6', true],
      ['2001:db8::1', '2001:db8::2', true],
      ['2001:db8::1', '2001:db8:0:0:9::', true],
      ['2001:db8:1:2::1', '2001:db8:1:3::1', false],
      ['::1', '1::', false],
      ['fe80::1%eth0', 'fe80::2%eth0', true],
      ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
      ['192.0.2.1', '192.0.2.2', false],
    ] as const) {
      const { limits } = limited({ logInsPerMinute: 1 });
      await limits.logIn(from(one));
      const again = () => limits.logIn(from(other));
      if (same) await assert.rejects(again, isTooMany(60), `${one} ${other}`);
      else await assert.doesNotReject(again, `${one} ${other}`);
    }
  });

  test('of wrong credentials hold for those that were not right before', () => {
    const { clock, limits } = limited({ authFailuresPerMinute: 3 });
    const here = from('192.0.2.1');
    limits.credential(here, 'good');
    limits.right(here, 'good');
    for (let guess = 0; guess < 3; guess++) {
      limits.credential(here, `guess ${guess}`);
      limits.wrong(here);
    }
    assert.throws(() => limits.credential(here, 'guess'), isTooMany(20));
    limits.credential(here, 'good');
    const there = from('192.0.2.2');
    for (let guess = 0; guess < 3; guess++) {
      limits.credential(there, 'good');
      limits.wrong(there);
    }
    // Right elsewhere: an access key's name is known to others than its holder.
    assert.throws(() => limits.credential(there, 'good'), isTooMany(20));
    clock.time += 20_000;
    limits.credential(here, 'guess');
  });

  test('of costly calls are a project’s and an address’s, each kind apart', () => {
    for (const cost of ['calls', 'events', 'lists'] as const) {
      const { limits } = limited({ callsPerMinute: 2, eventsPerMinute: 2, listsPerMinute: 2 });
      const here = from('192.0.2.1');
      limits.call(here, cost);
      limits.call(here, cost);
      assert.throws(() => limits.call(here, cost), isTooMany(30));
      // Neither more addresses nor more projects make more of it.
      assert.throws(() => limits.call(from('192.0.2.2'), cost), isTooMany(30));
      assert.throws(() => limits.call(from('192.0.2.1', 'q'), cost), isTooMany(30));
      limits.call(from('192.0.2.2', 'q'), cost);
      for (const other of ['calls', 'events', 'lists'] as const) {
        if (other !== cost) limits.call(here, other);
      }
    }
  });

  test('that hold back an address take nothing from its project', () => {
    const { limits } = limited({ callsPerMinute: 2 });
    const flooder = from('192.0.2.1', 'mine');
    limits.call(flooder, 'calls');
    limits.call(flooder, 'calls');
    for (let call = 0; call < 10; call++) {
      assert.throws(() => limits.call(from('192.0.2.1', 'theirs'), 'calls'), isTooMany(30));
    }
    limits.call(from('192.0.2.2', 'theirs'), 'calls');
  });

  test('hold for what costs much: changes, long lists; cheap calls have none', () => {
    const cheap = actions.filter((action) => costOf(action) === undefined);
    assert.deepEqual(cheap, ['oms:synctask:list', 'oms:synctask:get']);
  });
});
