import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import { systemClock } from '../../platform/base/clock.ts';
import { silentLog } from '../../platform/base/log.ts';
import { createMetrics } from '../../platform/base/metrics.ts';
import { Sealer } from '../../platform/base/seal.ts';
import type { Database } from '../../platform/postgres/db.ts';
import { settings } from '../../../test/kit/service.ts';
import { type Brigade, createBrigade } from './brigade.ts';
import { WrongSealingKey } from '../../domain/maintenance/sealing-key.ts';

function create(database: Database, { alone = false } = {}): Promise<Brigade> {
  return createBrigade({
    database,
    lists: database,
    sealer: new Sealer(randomBytes(32)),
    clock: systemClock,
    log: silentLog,
    metrics: createMetrics(),
    settings,
    alone,
  });
}

async function listening(database: Database): Promise<number> {
  const { rows } = await database.query(`select from pg_stat_activity where query like 'listen %'`);
  return rows.length;
}

describe('createBrigade', () => {
  test('keeps one key for each database when processes with different keys start at once', async () => {
    await using database = await testDatabase();
    const started = await Promise.allSettled([create(database), create(database)]);
    assert.deepEqual(started.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    await assert.rejects(create(database), WrongSealingKey);
    await (await create(database, { alone: true })).stop();
  });
});

describe('startWork', () => {
  test('that fails leaves nothing running', async () => {
    await using beside = await testDatabase();
    const before = timers();
    const database = await testDatabase();
    const brigade = await create(database);
    const query = database.queryAsPgDoes.bind(database);
    database.queryAsPgDoes = async (statement, values) => {
      if (statement.includes('abandoned-uploads')) throw new Error('no more');
      return query(statement, values);
    };
    await assert.rejects(brigade.startWork(), /no more/);
    await brigade.stop();
    await database[Symbol.asyncDispose]();
    assert.equal(await listening(beside), 0);
    assert.equal(timers(), before);
  });
});

function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}
