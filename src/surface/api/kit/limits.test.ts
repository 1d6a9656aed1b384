import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FastifyRequest } from 'fastify';
import { RateLimit } from '../../../platform/base/rate-limit.ts';
import { MemoryRates } from '../../../domain/access/rates.ts';
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
  const logIns = { take: async (address: string) => rate.take(address) };
  return { clock, limits: new Limits(all, logIns, new MemoryRates(now)) };
}

function isTooMany(seconds: number) {
  return (error: unknown): boolean =>
    error instanceof RequestError &&
    error.problem === 'too-many-requests' &&
    error.retryAfterSeconds === seconds;
}

describe('limits', () => {
  test('of log-ins count per address', async () => {
    const { clock, limits } = limited({ logInsPerMinute: 2 });
    await limits.logIn(from('192.0.2.1'));
    await limits.logIn(from('192.0.2.1'));
    await assert.rejects(() => limits.logIn(from('192.0.2.1')), isTooMany(30));
    await limits.logIn(from('192.0.2.2'));
    clock.time += 30_000;
    await limits.logIn(from('192.0.2.1'));
  });

  test('count a network of 64 bits as one client', async () => {
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

  test('of wrong credentials apply to credentials that were not right before', async () => {
    const { clock, limits } = limited({ authFailuresPerMinute: 3 });
    const here = from('192.0.2.1');
    await limits.credential(here, 'good');
    limits.right(here, 'good');
    for (let guess = 0; guess < 3; guess++) {
      await limits.credential(here, `guess ${guess}`);
      limits.wrong(here);
    }
    await assert.rejects(() => limits.credential(here, 'guess'), isTooMany(20));
    await limits.credential(here, 'good');
    const there = from('192.0.2.2');
    for (let guess = 0; guess < 3; guess++) {
      await limits.credential(there, 'good');
      limits.wrong(there);
    }
    // Right elsewhere: an access key's name is known to others than its holder.
    await assert.rejects(() => limits.credential(there, 'good'), isTooMany(20));
    clock.time += 20_000;
    await limits.credential(here, 'guess');
  });

  test('of costly calls count per project and per address, each kind separately', async () => {
    for (const cost of ['calls', 'events', 'lists'] as const) {
      const { limits } = limited({ callsPerMinute: 2, eventsPerMinute: 2, listsPerMinute: 2 });
      const here = from('192.0.2.1');
      await limits.call(here, cost);
      await limits.call(here, cost);
      await assert.rejects(() => limits.call(here, cost), isTooMany(30));
      // Neither more addresses nor more projects make more of it.
      await assert.rejects(() => limits.call(from('192.0.2.2'), cost), isTooMany(30));
      await assert.rejects(() => limits.call(from('192.0.2.1', 'q'), cost), isTooMany(30));
      await limits.call(from('192.0.2.2', 'q'), cost);
      for (const other of ['calls', 'events', 'lists'] as const) {
        if (other !== cost) await limits.call(here, other);
      }
    }
  });

  test('that hold back an address deduct nothing from its project', async () => {
    const { limits } = limited({ callsPerMinute: 2 });
    const flooder = from('192.0.2.1', 'mine');
    await limits.call(flooder, 'calls');
    await limits.call(flooder, 'calls');
    for (let call = 0; call < 10; call++) {
      await assert.rejects(() => limits.call(from('192.0.2.1', 'theirs'), 'calls'), isTooMany(30));
    }
    await limits.call(from('192.0.2.2', 'theirs'), 'calls');
  });

  test('hold for calls that wait at the same time', async () => {
    const { limits } = limited({ callsPerMinute: 3 });
    const calls = Array.from({ length: 9 }, () => limits.call(from('192.0.2.1'), 'calls'));
    const passed = (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled');
    assert.equal(passed.length, 3);
  });

  test('apply to costly calls: changes, long lists; cheap calls have none', () => {
    const cheap = actions.filter((action) => costOf(action) === undefined);
    assert.deepEqual(cheap, ['oms:synctask:list', 'oms:synctask:get']);
  });
});
