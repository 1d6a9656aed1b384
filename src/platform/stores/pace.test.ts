import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  allows,
  allowsAtOnce,
  allowsEachSecond,
  countBetween,
  type ModelResult,
  type RefusingStore,
  simulate,
} from '../../../test/kit/paced-store-model.ts';
import { randomFrom } from '../../../test/kit/seeded-random.ts';
import { afterAnswer, afterSending, type Pace, unpaced } from './pace.ts';

interface Load {
  readonly concurrency: number;
  readonly latencyMs: number;
  readonly seed: number;
}

const load = fc.record({
  concurrency: fc.integer({ min: 4, max: 512 }),
  latencyMs: fc.integer({ min: 1, max: 200 }),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
});

/** The same each time: a bound on what chance brings would fail now and then. */
const runs = { numRuns: 12, seed: 1 };

interface Run {
  readonly store: (random: () => number) => RefusingStore;
  readonly duration: number;
  readonly isPaced?: boolean;
  readonly retryAfterMs?: number;
}

function run({ concurrency, latencyMs, seed }: Load, { store, ...options }: Run): ModelResult {
  const random = randomFrom(seed);
  for (let skipped = 0; skipped < 20; skipped++) random(); // The first depend on the seed's size.
  const latency = (): number => latencyMs * (0.5 + random());
  return simulate({ ...options, concurrency, random, store: store(random), latencyMs: latency });
}

/** Enough time for some ten thousand requests without a limit, but no more. */
const durationOf = ({ concurrency, latencyMs }: Load): number =>
  Math.max(3_000, Math.min(30_000, (20_000 * latencyMs) / concurrency));

const atRandom =
  (share: number) =>
  (random: () => number): RefusingStore => ({ refuses: () => random() < share });

const perSecond = (accepted: readonly number[], from: number, until: number): number =>
  (countBetween(accepted, from, until) * 1000) / (until - from);

function shareRefused({ accepted, refused }: ModelResult, from: number, until: number): number {
  const bad = countBetween(refused, from, until);
  return bad / (bad + countBetween(accepted, from, until));
}

describe('the pace of requests', () => {
  test('at 1 % of random refusals at least two thirds of the rate remain', () => {
    fc.assert(
      fc.property(load, (given) => {
        const duration = durationOf(given);
        const free = run(given, { store: atRandom(0), duration, isPaced: false });
        const { accepted } = run(given, { store: atRandom(0.01), duration });
        return accepted.length >= (free.accepted.length * 2) / 3;
      }),
      runs,
    );
  });

  test('a limit of 200 requests a second is used at 180 to 205, with under 2 % refused', () => {
    // Where the demand is enough; of what the store takes at once it takes more than its limit.
    const demanding = load.filter(({ concurrency: c, latencyMs: l }) => (c * 1000) / l > 300);
    const limit = fc.constantFrom(
      () => allows(() => 200, 5),
      () => allows(() => 200, 50),
      () => allowsEachSecond(200),
    );
    fc.assert(
      fc.property(demanding, limit, (given, store) => {
        const result = run(given, { store, duration: 60_000 });
        const rate = perSecond(result.accepted, 20_000, 60_000);
        const share = shareRefused(result, 20_000, 60_000);
        assert.ok(rate >= 180 && rate <= 205, `${rate} a second`);
        assert.ok(share < 0.02, `${share} refused`);
      }),
      runs,
    );
  });

  test('where requests at once are limited, most of what the store allows is used', () => {
    const given = { concurrency: 64, latencyMs: 100, seed: 7 };
    const result = run(given, { store: () => allowsAtOnce(16), duration: 60_000 });
    const rate = perSecond(result.accepted, 10_000, 60_000);
    assert.ok(rate > 0.75 * 160, `${rate} of 160 a second`);
    assert.ok(shareRefused(result, 10_000, 60_000) < 0.03);
  });

  for (const share of [0.02, 0.03, 0.05, 0.1]) {
    test(`${share * 100} % of random refusals leave more than two fifths of the rate`, () => {
      const given = { concurrency: 64, latencyMs: 40, seed: 11 };
      const duration = 60_000;
      const free = run(given, { store: atRandom(0), duration, isPaced: false });
      const { accepted } = run(given, { store: atRandom(share), duration });
      const rate =
        perSecond(accepted, 10_000, duration) / perSecond(free.accepted, 10_000, duration);
      assert.ok(rate > 0.4, `${rate} of the rate`);
    });
  }

  test('recovers within half a minute when the store allows ten times as much', () => {
    fc.assert(
      fc.property(load, (given) => {
        const demand = (given.concurrency * 1000) / given.latencyMs;
        const store = (): RefusingStore => allows((now) => (now < 20_000 ? 200 : 2000), 20);
        const { accepted } = run(given, { store, duration: 55_000 });
        return perSecond(accepted, 50_000, 55_000) >= 0.85 * Math.min(demand, 2000);
      }),
      runs,
    );
  });

  test('a store that refuses everything gets few requests, and is used again when it accepts', () => {
    const given = { concurrency: 64, latencyMs: 20, seed: 3 };
    const isOut = (now: number): boolean => now >= 2_000 && now < 60_000;
    const { accepted, refused } = run(given, {
      store: () => ({ refuses: isOut }),
      duration: 120_000,
    });
    assert.ok(countBetween(refused, 10_000, 60_000) <= 30, 'asked every two seconds');
    assert.ok(refused.length < 600, `${refused.length} refused`);
    assert.ok(perSecond(accepted, 110_000, 120_000) > 2500);
  });

  test('a store that refuses everything with a Retry-After gets no request before that time', () => {
    const given = { concurrency: 64, latencyMs: 20, seed: 3 };
    const { refused } = run(given, {
      store: () => ({ refuses: (now) => now >= 1_000 }),
      duration: 60_000,
      retryAfterMs: 20_000,
    });
    assert.ok(refused.length > 0);
    assert.equal(countBetween(refused, 3_000, 20_000), 0);
  });

  test('a Retry-After at a limit of 200 requests a second delays only what was refused', () => {
    const given = { concurrency: 64, latencyMs: 40, seed: 7 };
    for (const retryAfterMs of [1_000, 5_000]) {
      const store = (): RefusingStore => allows(() => 200, 50);
      const { accepted } = run(given, { store, duration: 60_000, retryAfterMs });
      const rate = perSecond(accepted, 20_000, 60_000);
      assert.ok(rate >= 180, `${rate} a second with a Retry-After of ${retryAfterMs} ms`);
    }
  });

  test('no object waits much longer than the others', () => {
    const given = { concurrency: 256, latencyMs: 20, seed: 5 };
    const { longestMs } = run(given, { store: () => allows(() => 200, 20), duration: 60_000 });
    // Each of 256 has its turn every 1.3 s; a refused one waits for some turns more.
    assert.ok(longestMs < 10_000, `${longestMs} ms`);
  });

  test('the rate is always positive and a turn always comes, whatever is observed', () => {
    const answer = fc.record({
      passedMs: fc.integer({ min: 0, max: 5_000 }),
      tookMs: fc.integer({ min: 0, max: 10_000 }),
      refused: fc.boolean(),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 1e9 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 300 }), (answers) => {
        let pace: Pace = unpaced;
        let at = 0;
        for (const { passedMs, tookMs, ...observed } of answers) {
          at += passedMs;
          pace = afterAnswer(pace, { ...observed, sentAt: at - tookMs, at });
          if (at >= pace.nextAt) pace = afterSending(pace, at);
          assert.ok(pace.rate >= 0.5);
          assert.ok(pace.nextAt <= at + 122_000);
        }
      }),
    );
  });
});
