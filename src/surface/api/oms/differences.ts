import { Readable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { Difference } from '../../../domain/scan/differences-table.ts';
import type { ScanService } from '../../../domain/scan/scan-service.ts';
import { fromCursor, toCursor } from '../kit/cursor.ts';
import { problems, taskProblems } from '../kit/common-schemas.ts';
import { differenceTexts } from './difference-texts.ts';
import {
  DIFFERENCES_LIMIT_DEFAULT,
  DifferencesText,
  ExportDifferencesQuery,
  ListDifferencesQuery,
  ListDifferencesReply,
} from './schemas/differences.ts';
import { toScan } from './scans.ts';
import { Scan, ScanPath } from './schemas/scans.ts';

const DIFFERENCES = '/v2/:project_id/sync-tasks/:sync_task_id/scans/:scan_id/differences';
const tags = ['Scans (extension)'];
const EXPORTED_AT_ONCE = 1_000;

/** What a verification has found to differ: an extension. */
export function differenceRoutes(scans: ScanService): FastifyPluginAsyncTypebox {
  return async (app) => {
    await app.register(listRoute(scans));
    await app.register(exportRoute(scans));
    await app.register(enqueueRoute(scans));
  };
}

function listRoute(scans: ScanService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      DIFFERENCES,
      {
        schema: {
          operationId: 'ListScanDifferences',
          summary: 'Extension: what a verification found to differ',
          tags,
          params: ScanPath,
          querystring: ListDifferencesQuery,
          response: { 200: ListDifferencesReply, ...taskProblems },
        },
        config: { action: 'oms:synctask:get', costs: 'lists' },
      },
      async ({ params: { project_id: project, sync_task_id: id, scan_id: scan }, query }) => {
        const { cursor, limit = DIFFERENCES_LIMIT_DEFAULT } = query;
        const after = cursor === undefined ? undefined : fromCursor(cursor);
        const page = await scans.differences(project, id, scan, { after, limit });
        return {
          differences: page.differences.map(toDifference),
          truncated: page.truncated,
          next_cursor: page.next === undefined ? null : toCursor(page.next),
        };
      },
    );
  };
}

function exportRoute(scans: ScanService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.get(
      `${DIFFERENCES}/export`,
      {
        schema: {
          operationId: 'ExportScanDifferences',
          summary: 'Extension: the whole report of a verification, as NDJSON or CSV',
          tags,
          params: ScanPath,
          querystring: ExportDifferencesQuery,
          response: { 200: DifferencesText, ...taskProblems },
        },
        config: { action: 'oms:synctask:get', costs: 'lists' },
      },
      async (request, reply) => {
        const { project_id: project, sync_task_id: id, scan_id: scan } = request.params;
        const { format = 'ndjson', cursor } = request.query;
        const pageAfter = async (after: string | undefined) =>
          await scans.differences(project, id, scan, { after, limit: EXPORTED_AT_ONCE });
        const first = await pageAfter(cursor === undefined ? undefined : fromCursor(cursor));
        const { contentType, head, line } = differenceTexts[format];
        async function* texts(): AsyncGenerator<string> {
          yield head;
          for (let page = first; ; page = await pageAfter(page.next)) {
            yield page.differences.map((found) => line(toDifference(found))).join('');
            if (page.next === undefined) return;
            request.goesOnAnswering();
          }
        }
        return reply
          .type(contentType)
          .header('x-report-truncated', first.truncated.toString())
          .send(Readable.from(nonEmpty(texts())));
      },
    );
  };
}

/** An empty piece is the end of a stream of text. */
async function* nonEmpty(texts: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const text of texts) if (text !== '') yield text;
}

function enqueueRoute(scans: ScanService): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.post(
      `${DIFFERENCES}/enqueue`,
      {
        schema: {
          operationId: 'EnqueueScanDifferences',
          summary: 'Extension: have copied what a verification found different or missing',
          tags,
          params: ScanPath,
          response: { 200: Scan, ...taskProblems, 409: problems[400] },
        },
        config: { action: 'oms:synctask:update' },
      },
      async ({ params: { project_id: project, sync_task_id: id, scan_id: scan } }) =>
        toScan(await scans.enqueueDifferences(project, id, scan)),
    );
  };
}

function toDifference(found: Difference): ListDifferencesReply['differences'][number] {
  return {
    object_key: found.key,
    comparison: found.comparison,
    reason: found.reason ?? null,
    source_size: found.sourceSize ?? null,
    source_etag: found.sourceEtag ?? null,
    source_time: found.sourceModifiedAt ?? null,
    source_checksum: found.sourceChecksum ?? null,
    target_size: found.targetSize ?? null,
    target_etag: found.targetEtag ?? null,
    target_time: found.targetModifiedAt ?? null,
    target_checksum: found.targetChecksum ?? null,
    message: found.message ?? null,
  };
}
