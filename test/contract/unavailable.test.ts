import { after, before, test } from 'node:test';
import type { Database } from '../../src/platform/postgres/db.ts';
import { testDatabase } from '../kit/postgres.ts';
import { startTestService, type TestService } from '../kit/service.ts';
import { clientOf, makeKey } from './clients.ts';
import type { OmsNodeClient } from './oms-node-client.ts';
import { refused } from './refused.ts';

let service: TestService;
let admin: Database;
let oms: OmsNodeClient;
before(async () => {
  service = await startTestService({ works: false });
  admin = await testDatabase({ empty: true });
  oms = clientOf(service, await makeKey(service));
});
after(async () => {
  await admin[Symbol.asyncDispose]();
  await service[Symbol.asyncDispose]();
});

test('without a database all is 503 OMS.1001, and well again with it', async () => {
  await oms.listSyncTasks();
  const { rows } = await service.database.query<{ name: string }>(
    'select current_database() as name',
  );
  const name = rows[0]?.name ?? '';
  await admin.query(`alter database ${name} allow_connections false`);
  const ends = 'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1';
  await admin.query(ends, [name]);
  const away = { status: 503, code: 'OMS.1001', message: /Send the request again in a moment/ };
  await refused(oms.listSyncTasks(), away);
  const events = { object_keys: ['a'] };
  await refused(oms.createSyncEvents('31e9b7e6-6ffb-452f-9842-6ce354d99d75', events), away);
  await admin.query(`alter database ${name} allow_connections true`);
  await oms.listSyncTasks();
});
