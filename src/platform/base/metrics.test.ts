import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createMetrics } from './metrics.ts';

describe('the metrics', () => {
  test('each set has a registry of its own', async () => {
    const [first, second] = [createMetrics(), createMetrics()];
    first.acceptedKeys.inc(100);
    assert.match(await first.registry.metrics(), /^brigade_accepted_keys_total 100$/m);
    assert.match(await second.registry.metrics(), /^brigade_accepted_keys_total 0$/m);
  });

  test('the backlog is looked at once a scrape', async () => {
    const metrics = createMetrics();
    let looks = 0;
    metrics.watchBacklog(async () => {
      looks += 1;
      return [
        {
          state: 'SYNCHRONIZING',
          waiting: 7,
          lagSeconds: 1.5,
          rechecks: 3,
          withoutEventSeconds: 60,
        },
        { state: 'STOPPED', waiting: 0, lagSeconds: 0, rechecks: 0 },
      ];
    });
    const text = await metrics.registry.metrics();
    assert.match(text, /^brigade_waiting_changes\{state="SYNCHRONIZING"\} 7$/m);
    assert.match(text, /^brigade_lag_seconds\{state="SYNCHRONIZING"\} 1.5$/m);
    assert.match(text, /^brigade_waiting_changes\{state="STOPPED"\} 0$/m);
    assert.match(text, /^brigade_waiting_rechecks\{state="SYNCHRONIZING"\} 3$/m);
    assert.match(text, /^brigade_oldest_without_event_seconds 60$/m);
    assert.equal(looks, 1);
    await metrics.registry.metrics();
    assert.equal(looks, 2);
  });

  test('a backlog that cannot be read leaves the others readable', async () => {
    const metrics = createMetrics();
    metrics.watchBacklog(() => Promise.reject(new Error('the database is away')));
    const text = await metrics.registry.metrics();
    assert.doesNotMatch(text, /^brigade_waiting_changes\{/m);
    assert.match(text, /^brigade_accepted_keys_total 0$/m);
  });

  test('names are ours or those of the process, units are base units', async () => {
    for (const { name } of await createMetrics().registry.getMetricsAsJSON()) {
      assert.match(name, /^(brigade|process|nodejs)_/);
      assert.doesNotMatch(name, /_(ms|milliseconds|mb|kb)(_|$)/);
    }
  });
});
