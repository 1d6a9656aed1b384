import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { BusiestRate } from '../../../domain/queue/statistics.ts';
import type { ScanSignal } from '../../../domain/scan/scan.ts';
import type { ScanService } from '../../../domain/scan/scan-service.ts';
import type { CertifiedRange } from '../../../domain/scan/certificate-table.ts';
import { isTruncated, type ScanRecord } from '../../../domain/scan/scans-table.ts';
import { problems, TaskPath, taskProblems, tooLarge } from '../kit/common-schemas.ts';
import { toEstimate } from './estimate.ts';
import {
  ListScansQuery,
  ListScansReply,
  Scan,
  ScanCertificate,
  ScanPath,
  SCANS_LIMIT_DEFAULT,
  StartScanBody,
} from './schemas/scans.ts';

const SCANS = '/v2/:project_id/sync-tasks/:sync_task_id/scans';
const SCAN = `${SCANS}/:scan_id`;
const tags = ['Scans (extension)'];
const scanProblems = { ...taskProblems, 409: problems[400] };

/** The scans of a task: an extension. */
export function scanRoutes(scans: ScanService): FastifyPluginAsyncTypebox {
  return async (app) => {
    await app.register(collectionRoutes(scans));
    await app.register(oneRoutes(scans));
  };
}

function collectionRoutes(scans: ScanService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      SCANS,
      {
        schema: {
          operationId: 'ListScans',
          summary: 'Extension: the scans of a synchronization task, the newest first',
          tags,
          params: TaskPath,
          querystring: ListScansQuery,
          response: { 200: ListScansReply, ...taskProblems },
        },
        config: { action: 'oms:synctask:get' },
      },
      async ({ params: { project_id: project, sync_task_id: id }, query }) => {
        const { limit = SCANS_LIMIT_DEFAULT, offset = 0 } = query;
        const page = await scans.list(project, id, { limit, offset });
        return { scans: page.map(toScan) };
      },
    );

    app.post(
      SCANS,
      {
        schema: {
          operationId: 'StartScan',
          summary: 'Extension: compare both buckets of a synchronization task',
          tags,
          params: TaskPath,
          body: StartScanBody,
          response: { 200: Scan, ...scanProblems, 413: tooLarge },
        },
        config: { action: 'oms:synctask:update' },
      },
      async ({ params: { project_id: project, sync_task_id: id }, body }) =>
        toScan(await scans.start(project, id, body)),
    );
  };
}

const signals: Readonly<
  Record<ScanSignal, { readonly operationId: string; readonly summary: string }>
> = {
  stop: { operationId: 'StopScan', summary: 'Extension: stop a scan, until it is started again' },
  start: { operationId: 'ResumeScan', summary: 'Extension: go on with a scan that was stopped' },
  cancel: { operationId: 'CancelScan', summary: 'Extension: end a scan before it is complete' },
};

function oneRoutes(scans: ScanService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      SCAN,
      {
        schema: {
          operationId: 'ShowScan',
          summary: 'Extension: a scan, with its counters so far',
          tags,
          params: ScanPath,
          response: { 200: Scan, ...taskProblems },
        },
        config: { action: 'oms:synctask:get' },
      },
      async ({ params: { project_id: project, sync_task_id: id, scan_id: scan } }) =>
        toScan(await scans.show(project, id, scan)),
    );

    app.get(
      `${SCAN}/certificate`,
      {
        schema: {
          operationId: 'ShowScanCertificate',
          summary: 'Extension: the ranges of a scan, with their counters and digests',
          tags,
          params: ScanPath,
          response: { 200: ScanCertificate, ...taskProblems },
        },
        config: { action: 'oms:synctask:get', costs: 'lists' },
      },
      async ({ params: { project_id: project, sync_task_id: id, scan_id: scan } }) => {
        const certificate = await scans.certificate(project, id, scan);
        return { scan: toScan(certificate.scan), ranges: certificate.ranges.map(toRange) };
      },
    );

    for (const signal of ['stop', 'start', 'cancel'] as const) {
      app.post(
        `${SCAN}/${signal}`,
        {
          schema: {
            ...signals[signal],
            tags,
            params: ScanPath,
            response: { 200: Scan, ...scanProblems },
          },
          config: { action: 'oms:synctask:update' },
        },
        async ({ params: { project_id: project, sync_task_id: id, scan_id: scan } }) =>
          toScan(await scans.signal(project, id, scan, signal)),
      );
    }
  };
}

/** A scan as clients get it. */
export function toScan(scan: ScanRecord & { readonly rate?: BusiestRate | undefined }): Scan {
  return {
    scan_id: scan.id,
    kind: scan.kind,
    state: scan.state,
    reason: scan.reason ?? null,
    source_unordered: scan.sourceUnordered,
    target_unordered: scan.targetUnordered,
    create_time: scan.createdAt,
    start_time: scan.startedAt ?? null,
    end_time: scan.endedAt ?? null,
    source_objects: scan.sourceObjects,
    source_bytes: scan.sourceBytes,
    target_objects: scan.targetObjects,
    target_bytes: scan.targetBytes,
    equal: scan.equal,
    different: scan.different,
    missing: scan.missing,
    extra: scan.extra,
    filtered: scan.filtered,
    enqueued: scan.enqueued,
    without_event: scan.withoutEvent,
    oldest_without_event_time: scan.oldestWithoutEvent ?? null,
    verified: scan.kind === 'verify' ? toVerified(scan) : null,
    estimate: scan.kind === 'estimate' ? toEstimate(scan, scan.rate) : null,
    enqueueing: toEnqueueing(scan),
    pages: scan.pages,
    ...toPace(scan),
    ranges_open: scan.rangesOpen,
    ranges_done: scan.rangesDone,
    ranges_failed: scan.rangesFailed,
    position: scan.position ?? null,
    digest: scan.digest ?? null,
  };
}

function toVerified(scan: ScanRecord): NonNullable<Scan['verified']> {
  const { tally = {}, options } = scan;
  const { equalBytes = 0, equalChecksum = 0, equalRecorded = 0, equalSizeTime = 0 } = tally;
  const { unreadable = 0, heads = 0, deepObjects = 0, deepBytes = 0 } = tally;
  return {
    equal_bytes: equalBytes,
    equal_checksum: equalChecksum,
    equal_recorded: equalRecorded,
    equal_size_time: equalSizeTime,
    unreadable,
    head_requests: heads,
    deep_share: options?.deepShare ?? null,
    deep_objects: deepObjects,
    deep_bytes: deepBytes,
    truncated: isTruncated(scan),
  };
}

function toEnqueueing(scan: ScanRecord): Scan['enqueueing'] {
  const { enqueueingState: state, enqueueingKey: key, enqueueingCount: enqueued } = scan;
  if (state === undefined) return null;
  return { state, enqueued, position: key === '' ? null : key };
}

function toRange(range: CertifiedRange): ScanCertificate['ranges'][number] {
  return {
    after: range.after,
    until: range.until ?? null,
    state: range.state,
    message: range.message ?? null,
    pages: range.pages,
    source_objects: range.sourceObjects,
    source_bytes: range.sourceBytes,
    target_objects: range.targetObjects,
    target_bytes: range.targetBytes,
    equal: range.equal,
    different: range.different,
    missing: range.missing,
    extra: range.extra,
    filtered: range.filtered,
    digest: range.digest,
  };
}

function toPace(scan: ScanRecord): Pick<Scan, 'pairs_per_second' | 'seconds_left'> {
  const { seconds, pairsBefore, equal, different, missing, extra, state, tally = {} } = scan;
  if (seconds === undefined) return { pairs_per_second: null, seconds_left: null };
  const pairs = equal + different + missing + extra + (tally.unreadable ?? 0);
  const rate = pairs / Math.max(seconds, 0.001);
  const known = state === 'running' && pairsBefore !== undefined && pairsBefore > pairs && rate > 0;
  return { pairs_per_second: rate, seconds_left: known ? (pairsBefore - pairs) / rate : null };
}
