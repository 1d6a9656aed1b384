import { type Endpoints, readEndpoints } from '../../domain/tasks/endpoints.ts';
import { openBuckets, type OpenBuckets } from '../../domain/tasks/open-buckets.ts';
import { OpenTasks } from '../../domain/tasks/open-tasks.ts';
import { Accounts } from '../../platform/stores/accounts.ts';
import type { Parts } from './parts.ts';

/** The buckets of tasks, and their connections: all roles of a process share them. */
export interface Buckets extends AsyncDisposable {
  readonly endpoints: Endpoints;
  readonly open: OpenBuckets;
  /** For checks, which do not queue behind copies. */
  readonly openForChecks: OpenBuckets;
  readonly openTasks: OpenTasks;
}

/** So that the parts of a few large objects are copied side by side at a low concurrency, too. */
const CALLS_LEAST = 64;

export function bucketsOf({
  database,
  sealer,
  clock,
  log,
  metrics,
  sockets,
  settings,
}: Parts): Buckets {
  const endpoints = readEndpoints(settings.endpoints, settings.allowEndpoints);
  const calls = Math.max(settings.concurrency, CALLS_LEAST);
  const accounts = new Accounts({ clock, calls });
  const timeouts = { speedFloor: settings.speedFloorBytes };
  const options = { endpoints, clock, log, metrics, sockets, timeouts, accounts };
  const open = openBuckets(options);
  const openForChecks = openBuckets({ ...options, forChecks: true });
  const { restoreDays } = settings;
  const openTasks = new OpenTasks({ database, sealer, restoreDays, open });
  return {
    endpoints,
    open,
    openForChecks,
    openTasks,
    [Symbol.asyncDispose]: () => openTasks[Symbol.asyncDispose](),
  };
}
