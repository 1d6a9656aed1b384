import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testDatabase } from '../kit/postgres.ts';
import { simulationOf } from '../kit/scan-simulator/simulation.ts';
import { simulate, simulateSeeds } from '../kit/scan-simulator/simulator.ts';

/** `SEED=123 SEEDS=1 node --test test/slow/scan-simulation.test.ts` repeats one. */
const first = Number(process.env['SEED'] ?? 1);
const count = Number(process.env['SEEDS'] ?? 500);

test(`${count} simulated scans from SEED=${first} lose no key and count none twice`, async () => {
  await simulateSeeds(() => testDatabase({ connections: 20 }), { first, count });
});

test('a scan whose process dies at any one step loses no key and counts none twice', async () => {
  await using db = await testDatabase();
  const script = { seed: 1, pageMax: 7 };
  const simulation = {
    ...simulationOf(2),
    ...({ kind: 'backfill', sourceScript: script, targetScript: script } as const),
    ...{ processes: 1, concurrency: 2, batchPairs: 8, splitPages: 2, waitingMax: 1e9, unrest: 0 },
  };
  let steps = 0;
  for (let died = true; died; steps++) {
    const end = await simulate(db, { ...simulation, deaths: [steps + 1] });
    assert.equal(end.scan.state, 'complete');
    ({ died } = end);
  }
  assert.ok(steps > 50, `only ${steps} steps`);
});
