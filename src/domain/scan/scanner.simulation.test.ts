import { test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { simulateSeeds } from '../../../test/kit/scan-simulator/simulator.ts';

// `test/slow/scan-simulation.test.ts` runs many more.
test('simulated scans lose no key and count none twice, whatever fails', async () => {
  await simulateSeeds(() => testDatabase({ connections: 20 }), { first: 1, count: 30 });
});
