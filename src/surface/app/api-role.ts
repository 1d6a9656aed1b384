import { type Audit, DatabaseAudit } from '../../domain/access/audit.ts';
import { DatabaseGatekeeper } from '../../domain/access/gatekeeper.ts';
import { Identity } from '../../domain/access/identity.ts';
import type { Gatekeeper, IdentityService } from '../../domain/access/identity-service.ts';
import { DatabaseLockouts, type Lockouts, type LogIns } from '../../domain/access/lockouts.ts';
import { DatabaseRates, MemoryRates, type Rates } from '../../domain/access/rates.ts';
import { EventQuotas } from '../../domain/access/quotas.ts';
import {
  DatabaseUsedSignatures,
  type UsedSignatures,
} from '../../domain/access/used-signatures.ts';
import { listProcesses, type ProcessRow } from '../../domain/fleet/processes-table.ts';
import { acceptChanges } from '../../domain/queue/changes.ts';
import { Intake } from '../../domain/queue/intake.ts';
import { checkBuckets } from '../../domain/tasks/bucket-checks.ts';
import type { ScanService } from '../../domain/scan/scan-service.ts';
import type { SyncTaskService } from '../../domain/tasks/sync/sync-task-service.ts';
import { SyncTasks } from '../../domain/tasks/sync/sync-tasks.ts';
import { TaskScans } from '../../domain/tasks/sync/task-scans.ts';
import type { Buckets } from './buckets.ts';
import { notifyAll, type Parts } from './parts.ts';

/** The use cases behind the HTTP API. Disposing of it writes down what it has accepted. */
export interface ApiRole extends AsyncDisposable {
  readonly syncTasks: SyncTaskService;
  readonly scans: ScanService;
  readonly gatekeeper: Gatekeeper;
  readonly identity: IdentityService;
  readonly audit: Audit;
  readonly lockouts: Lockouts & LogIns;
  readonly rates: Rates;
  readonly usedSignatures: UsedSignatures;
  readonly processes: () => Promise<readonly ProcessRow[]>;
}

/** What other roles of the same process hear at once, and those of other processes by the database. */
export interface ApiHints {
  readonly onAccepted: () => void;
  readonly onTaskDeleted: () => void;
}

const EVENTS_BATCH = 2_000;
const EVENTS_QUEUE = 50_000;
const CHECK_MS = 20_000;

/** @param writer Which row of each counter this process adds to. */
export function apiRole(
  parts: Parts,
  { openForChecks, endpoints }: Buckets,
  { writer, onAccepted, onTaskDeleted }: ApiHints & { readonly writer: number },
): ApiRole {
  const { database, lists, sealer, clock, log, metrics, settings, alone } = parts;
  const { checkBuckets: probes, firstTokens } = settings;
  const now = (): number => clock.now();
  const intake = new Intake({
    commit: (named) => acceptChanges(database, { named, writer }),
    onAccepted(keys) {
      metrics.acceptedKeys.inc(keys);
      onAccepted();
    },
    batchMax: EVENTS_BATCH,
    queueMax: EVENTS_QUEUE,
  });
  const eventQuotas = new EventQuotas({ ...settings, database, now });
  const gatekeeper = new DatabaseGatekeeper({ database, sealer, now, firstTokens });
  const audit = new DatabaseAudit({ database, log, clock });
  const probing = { clock, log, probes, timeoutMs: CHECK_MS };
  const checks = { open: openForChecks, endpoints, ...probing };
  const syncTasks = new SyncTasks({
    ...settings,
    ...{ database, lists, sealer, clock, intake, endpoints, eventQuotas },
    checkBuckets: (plan, credentials) => checkBuckets(checks, plan, credentials),
    onTaskChanged: (taskId) => notifyAll(parts, 'tasks', taskId),
    onTaskDeleted,
  });
  return {
    ...{ syncTasks, gatekeeper, audit },
    scans: new TaskScans(database, (projectId, taskId) => syncTasks.find(projectId, taskId)),
    lockouts: new DatabaseLockouts(database, now),
    rates: alone ? new MemoryRates(now) : new DatabaseRates(database, now),
    usedSignatures: new DatabaseUsedSignatures(database),
    processes: () => listProcesses(lists),
    identity: new Identity({ database, sealer, gatekeeper, eventQuotas, now }),
    async [Symbol.asyncDispose]() {
      await intake.drained();
      await audit[Symbol.asyncDispose]();
    },
  };
}
