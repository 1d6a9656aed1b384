import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openApi } from '../../../test/kit/api-in-memory.ts';

interface Operation {
  operationId?: string;
  parameters?: { name: string; in: string; required?: boolean; schema: object }[];
  requestBody?: { required?: boolean; content: Record<string, { schema: object }> };
  responses: Record<string, { description: string; content?: Record<string, object> }>;
}

interface Document {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object>; securitySchemes: object };
}

interface Body {
  properties?: Record<string, { type?: unknown; enum?: unknown[] }>;
}

function bodyOf(paths: Document['paths'], path: string, method = 'post'): Body {
  const { requestBody } = paths[`/v2/{project_id}/sync-tasks${path}`]?.[method] ?? {};
  return requestBody?.content['application/json']?.schema ?? assert.fail(path);
}

async function readDocument(): Promise<Document> {
  await using api = await openApi();
  const reply = await api.app.inject('/openapi.json');
  assert.equal(reply.statusCode, 200);
  return reply.json<Document>();
}

describe('the OpenAPI document', () => {
  test('lists every operation under its OMS name', async () => {
    const { paths } = await readDocument();
    const listed = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { operationId = '' }]) =>
        `${method} ${path} ${operationId}`.trim(),
      ),
    );
    const ofTasks = listed.filter((operation) => !/ \/(iam|v3)\/| ListAudit$/.test(operation));
    const ofIdentity = listed.filter((operation) => / \/v3\//.test(operation));
    assert.deepEqual(ofIdentity.sort(), [
      'delete /v3/auth/tokens RevokeToken',
      'get /v3/auth/domains KeystoneListAuthDomains',
      'get /v3/projects KeystoneListProjects',
      'get /v3/regions KeystoneListRegions',
      'post /v3/auth/tokens CreateToken',
    ]);
    const task = '/v2/{project_id}/sync-tasks/{sync_task_id}';
    assert.deepEqual(
      ofTasks.sort(),
      [
        `delete ${task} DeleteSyncTask`,
        'get / ListApiVersions',
        'get /healthz',
        'get /metrics',
        'get /operations/v1/processes ListProcesses',
        'get /readyz',
        'get /v2 ShowApiInfo',
        `get ${task} ShowSyncTask`,
        `get ${task}/objects ListSyncTaskObjects`,
        `get ${task}/progress ShowSyncTaskProgress`,
        `get ${task}/statistics ListSyncTaskStatistic`,
        'get /v2/{project_id}/sync-tasks ListSyncTasks',
        `post ${task}/events CreateSyncEvents`,
        `patch ${task} ChangeSyncTask`,
        `get ${task}/scans ListScans`,
        `post ${task}/scans StartScan`,
        `get ${task}/scans/{scan_id} ShowScan`,
        `get ${task}/scans/{scan_id}/certificate ShowScanCertificate`,
        `get ${task}/scans/{scan_id}/differences ListScanDifferences`,
        `get ${task}/scans/{scan_id}/differences/export ExportScanDifferences`,
        `post ${task}/scans/{scan_id}/differences/enqueue EnqueueScanDifferences`,
        `post ${task}/scans/{scan_id}/stop StopScan`,
        `post ${task}/scans/{scan_id}/start ResumeScan`,
        `post ${task}/scans/{scan_id}/cancel CancelScan`,
        `post ${task}/retry-failed RetryFailedObjects`,
        `post ${task}/start StartSyncTask`,
        `post ${task}/stop StopSyncTask`,
        'post /v2/{project_id}/sync-tasks CreateSyncTask',
      ].sort(),
    );
  });

  test('is whole: references lead somewhere, path parameters are declared', async () => {
    const document = await readDocument();
    assert.equal(document.openapi, '3.1.0');
    assert.equal(document.info.version, 'v2');
    for (const [, name = ''] of JSON.stringify(document).matchAll(
      /"\$ref":"#\/components\/schemas\/([^"]+)"/g,
    )) {
      assert.ok(Object.hasOwn(document.components.schemas, name), name);
    }
    assert.doesNotMatch(JSON.stringify(document), /"\$ref":"(?!#\/components\/schemas\/)/);
    for (const [path, operations] of Object.entries(document.paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { parameters = [], responses } of Object.values(operations)) {
        const declared = parameters.filter((parameter) => parameter.in === 'path');
        assert.deepEqual(
          declared.map(({ name }) => name),
          inPath,
        );
        assert.ok(declared.every(({ required }) => required === true));
        assert.ok(Object.values(responses).every(({ description }) => description !== ''));
      }
    }
  });

  test('says that fields that need not be there may be null, those that must not', async () => {
    const { paths } = await readDocument();
    const { properties = {} } = bodyOf(paths, '');
    assert.deepEqual(properties['description']?.type, ['string', 'null']);
    assert.deepEqual(properties['enable_kms']?.type, ['boolean', 'null']);
    assert.deepEqual(properties['source_cdn']?.type, ['object', 'null']);
    assert.equal(properties['consistency_check']?.enum?.at(-1), null);
    assert.equal(properties['src_bucket']?.type, 'string');
    assert.deepEqual(bodyOf(paths, '/{sync_task_id}/start').properties?.['src_ak']?.type, [
      'string',
      'null',
    ]);
    const change = bodyOf(paths, '/{sync_task_id}', 'patch').properties ?? {};
    assert.deepEqual(change['reconcile_hours']?.type, ['integer', 'null']);
    assert.deepEqual(await readDocument(), await readDocument(), 'schemas stay as they were');
  });

  test('declares what refuses a body, and that metrics are text', async () => {
    const { paths } = await readDocument();
    for (const [path, operations] of Object.entries(paths)) {
      for (const { operationId, requestBody, responses } of Object.values(operations)) {
        const name = operationId ?? path;
        assert.equal(responses['413'] !== undefined, requestBody !== undefined, name);
        assert.equal(
          responses['503'] !== undefined,
          !['/', '/v2', '/healthz', '/metrics'].includes(path),
          name,
        );
      }
    }
    const metrics = paths['/metrics']?.['get']?.responses['200'];
    assert.match(metrics?.description ?? '', /Prometheus/);
    assert.deepEqual(Object.keys(metrics?.content ?? {}), ['text/plain']);
  });

  test('says what is needed, what is empty and what is ours', async () => {
    const { paths } = await readDocument();
    const operation = (path: string, method: string): Operation =>
      paths[`/v2/{project_id}/sync-tasks${path}`]?.[method] ?? assert.fail(path);
    const query = ({ parameters = [] }: Operation) =>
      parameters
        .filter((parameter) => parameter.in === 'query')
        .map(({ name, required = false }) => [name, required]);
    assert.deepEqual(query(operation('', 'get')), [
      ['limit', false],
      ['offset', false],
      ['status', false],
    ]);
    assert.deepEqual(query(operation('/{sync_task_id}', 'get')), [['query_time', true]]);
    assert.equal(operation('/{sync_task_id}', 'delete').responses['200']?.content, undefined);
    assert.equal(operation('', 'post').requestBody?.required, true);
    assert.equal(operation('/{sync_task_id}/start', 'post').requestBody?.required, false);
    const body = JSON.stringify(operation('', 'post').requestBody);
    for (const field of [
      'src_endpoint',
      'dst_endpoint',
      'dst_cloud_type',
      'object_overwrite_mode',
    ]) {
      assert.match(body, new RegExp(`"${field}":\\{[^{}]*"Extension: `), field);
    }
  });
});
