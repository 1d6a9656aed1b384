import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FastifyRequest } from 'fastify';
import { Limits, type RequestLimits } from './limits.ts';
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
  };
  return { clock, limits: new Limits({ ...none, ...limits }, () => clock.time) };
}

function isTooMany(seconds: number) {
  return (error: unknown): boolean =>
    error instanceof RequestError &&
    error.flaw === 'too-many-requests' &&
    error.retryAfterSeconds === seconds;
}

describe('limits', () => {
  test('of log-ins are an address’s', () => {
    const { clock, limits } = limited({ logInsPerMinute: 2 });
    limits.logIn(from('192.0.2.1'));
    limits.logIn(from('192.0.2.1'));
    assert.throws(() => limits.logIn(from('192.0.2.1')), isTooMany(30));
    limits.logIn(from('192.0.2.2'));
    clock.time += 30_000;
    limits.logIn(from('192.0.2.1'));
  });

  test('see one client in a network of 64 bits', () => {
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
      limits.logIn(from(one));
      const again = () => limits.logIn(from(other));
      if (same) assert.throws(again, isTooMany(60), `${one} ${other}`);
      else assert.doesNotThrow(again, `${one} ${other}`);
    }
  });

  test('of wrong credentials hold for those that were not right before', () => {
    const { clock, limits } = limited({ authFailuresPerMinute: 3 });
    const here = from('192.0.2.1');
    limits.credential(here, 'good');
    limits.right('good');
    for (let guess = 0; guess < 3; guess++) {
      limits.credential(here, `guess ${guess}`);
      limits.wrong(here);
    }
    assert.throws(() => limits.credential(here, 'guess'), isTooMany(20));
    limits.credential(here, 'good');
    limits.credential(from('192.0.2.2'), 'guess');
    clock.time += 20_000;
    limits.credential(here, 'guess');
  });

  test('of costly calls are a project’s at an address, events apart; cheap calls have none', () => {
    const { limits } = limited({ callsPerMinute: 1, eventsPerMinute: 1 });
    const here = from('192.0.2.1');
    limits.call(here, 'oms:synctask:create');
    assert.throws(() => limits.call(here, 'oms:synctask:statistics'), isTooMany(60));
    limits.call(from('192.0.2.1', 'q'), 'oms:synctask:create');
    limits.call(from('192.0.2.2'), 'oms:synctask:create');
    limits.call(here, 'oms:synctask:createEvent');
    assert.throws(() => limits.call(here, 'oms:synctask:createEvent'), isTooMany(60));
    for (let call = 0; call < 100; call++) limits.call(here, 'oms:synctask:get');
  });
});
