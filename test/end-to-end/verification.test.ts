import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { sizes, startWorld, type World } from '../kit/service-between-buckets.ts';
import { until } from '../kit/until.ts';

interface Scan {
  readonly scan_id: string;
  readonly state: string;
  readonly [counter: string]: unknown;
}

interface Difference {
  readonly object_key: string;
  readonly comparison: string;
  readonly reason: string | null;
  readonly [field: string]: unknown;
}

async function verified(world: World, taskId: string, body: object = {}): Promise<Scan> {
  const scans = `/sync-tasks/${taskId}/scans`;
  const started = await world.client.call('POST', scans, { kind: 'verify', ...body });
  const { scan_id } = started as Scan;
  const shown = async (): Promise<Scan> =>
    (await world.client.call('GET', `${scans}/${scan_id}`)) as Scan;
  await until('it has ended', async () => (await shown())['end_time'] !== null, 60);
  return await shown();
}

async function exported(
  { service, client }: World,
  taskId: string,
  scan: Scan,
  query: string,
): Promise<Response> {
  const path = `/v2/${client.projectId}/sync-tasks/${taskId}/scans/${scan.scan_id}/differences/export`;
  return await fetch(`${service.url}${path}?${query}`, {
    headers: { 'x-auth-token': service.token },
  });
}

describe('a verification of a stopped task', () => {
  test('counts equal keys by their proof, and reports each planted difference with its cause', async () => {
    await using world = await startWorld();
    const { from, to, client } = world;
    const copied = ['copied', 'copied large', 'damaged after the copy', 'two\nlines'];
    for (const key of copied) from.put(key, Buffer.from(key));
    from.put('copied large', Buffer.alloc(sizes.large, 'x'));
    const taskId = await world.createTask();
    await world.sync(taskId, copied);
    await client.stop(taskId);
    to.put('damaged after the copy', Buffer.from('damaged after the cop!'));
    from.put('by time only', Buffer.from('same'), { etag: `${'a'.repeat(32)}-2` });
    to.put('by time only', Buffer.from('same'));
    from.put('missing', Buffer.from('missing'));
    to.put('=extra', Buffer.from('x'));
    from.put('size', Buffer.from('size'));
    to.put('size', Buffer.from('other'));
    to.put('time', Buffer.from('time'), { lastModified: 1_000_000_000_000 });
    from.put('time', Buffer.from('time'), { etag: `${'b'.repeat(32)}-2` });
    const scan = await verified(world, taskId);
    const { state, equal, different, missing, extra, enqueued } = scan;
    assert.deepEqual(
      { state, equal, different, missing, extra, enqueued },
      { state: 'complete', equal: 4, different: 3, missing: 1, extra: 1, enqueued: 0 },
    );
    assert.deepEqual(scan['verified'], {
      equal_bytes: 0,
      equal_checksum: 2,
      equal_recorded: 1,
      equal_size_time: 1,
      unreadable: 0,
      head_requests: 2,
      deep_share: null,
      deep_objects: 0,
      deep_bytes: 0,
      truncated: false,
    });
    const reply = await exported(world, taskId, scan, 'format=ndjson');
    assert.equal(reply.headers.get('content-type'), 'application/x-ndjson; charset=utf-8');
    assert.equal(reply.headers.get('x-report-truncated'), 'false');
    const rows = (await reply.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Difference);
    assert.deepEqual(
      rows.map(({ object_key, comparison, reason }) => [object_key, comparison, reason]),
      [
        ['=extra', 'extra', null],
        ['damaged after the copy', 'different', 'checksum'],
        ['missing', 'missing', null],
        ['size', 'different', 'size'],
        ['time', 'different', 'time'],
      ],
    );
    assert.match(String(rows[1]?.['source_checksum']), /^MD5 [\da-f]{32}$/);
    const csv = await (await exported(world, taskId, scan, 'format=csv')).text();
    const lines = csv.split('\r\n');
    assert.equal(lines.length, 7);
    assert.match(lines[1] ?? '', /^'=extra,extra,,,,/);
    const page = (await client.call(
      'GET',
      `/sync-tasks/${taskId}/scans/${scan.scan_id}/differences?limit=1`,
    )) as { readonly next_cursor: string };
    const rest = await exported(world, taskId, scan, `cursor=${page.next_cursor}`);
    assert.equal((await rest.text()).split('\n').length, 5);
    assert.equal((await exported(world, taskId, { ...scan, scan_id: 'none' }, '')).status, 404);
  });

  test('has a report of many keys that is exported whole', async () => {
    await using world = await startWorld();
    const taskId = await world.createTask();
    await world.client.stop(taskId);
    const keys = Array.from({ length: 3_500 }, (_, at) => `logs/${at.toString().padStart(5, '0')}`);
    for (const key of keys) world.from.put(key, Buffer.from('x'));
    const scan = await verified(world, taskId);
    const lines = (await (await exported(world, taskId, scan, '')).text()).trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as Difference).object_key),
      keys,
    );
  });

  test('reads the bytes of a sample, finds damage that no listing shows, and repairs it', async () => {
    await using world = await startWorld();
    const { from, to, client } = world;
    const taskId = await world.createTask();
    // Their ETags say nothing, and the damaged one is younger.
    const etag = `${'c'.repeat(32)}-2`;
    for (const key of ['damaged', 'denied', 'equal']) {
      from.put(key, Buffer.from('good'), { etag });
      to.put(key, Buffer.from(key === 'damaged' ? 'evil' : 'good'));
    }
    const scans = `/sync-tasks/${taskId}/scans`;
    const refused = (deep: object, kind = 'verify'): Promise<void> =>
      assert.rejects(client.call('POST', scans, { kind, deep }), /40[09] OMS.0064/);
    await refused({ count: 2 });
    await refused({});
    await refused({ share: 0 });
    await refused({ share: 1 }, 'reconcile');
    const match = { operation: 'GetObject', key: 'denied' } as const;
    const plan = { kind: 'status', status: 403, code: 'AccessDenied', times: Infinity } as const;
    const fault = world.source.faults.add({ ...plan, match });
    const shallow = await verified(world, taskId);
    assert.deepEqual([shallow['equal'], shallow['different']], [3, 0]);
    const scan = await verified(world, taskId, { deep: { count: 100 } });
    assert.deepEqual([scan['equal'], scan['different']], [1, 1]);
    assert.partialDeepStrictEqual(scan['verified'], {
      ...{ equal_bytes: 1, equal_size_time: 0, unreadable: 1 },
      ...{ deep_share: 1, deep_objects: 2, deep_bytes: 16 },
    });
    const rows = (await (await exported(world, taskId, scan, '')).text()).trimEnd().split('\n');
    assert.deepEqual(
      rows.map((line) => {
        const { object_key, comparison, reason } = JSON.parse(line) as Difference;
        return [object_key, comparison, reason];
      }),
      [
        ['damaged', 'different', 'bytes'],
        ['denied', 'unreadable', 'denied'],
      ],
    );
    fault.remove();
    await client.call('POST', `${scans}/${scan.scan_id}/differences/enqueue`);
    await client.settled(taskId, 1);
    assert.equal(to.bytes('damaged')?.toString(), 'good');
  });
});

describe('the certificate of a scan', () => {
  test('has ranges that are the whole key space, whose digests combine to that of the scan', async () => {
    await using world = await startWorld();
    for (const key of ['a', 'b', 'c']) world.from.put(key, Buffer.from(key));
    const taskId = await world.createTask();
    await world.client.stop(taskId);
    await verified(world, taskId);
    const scan = await verified(world, taskId);
    assert.equal(scan['seconds_left'], null);
    assert.ok(Number(scan['pairs_per_second']) > 0);
    const path = `/sync-tasks/${taskId}/scans/${scan.scan_id}/certificate`;
    const certificate = (await world.client.call('GET', path)) as {
      readonly scan: Scan;
      readonly ranges: readonly { after: string; until: string | null; digest: string }[];
    };
    const { ranges } = certificate;
    assert.deepEqual([ranges[0]?.after, ranges.at(-1)?.until], ['', null]);
    const digests = Buffer.concat(ranges.map(({ digest }) => Buffer.from(digest, 'hex')));
    assert.equal(certificate.scan['digest'], createHash('sha256').update(digests).digest('hex'));
    const lines = ['a', 'b', 'c'].map((key) => {
      const { size, lastModified, etag } = {
        ...{ size: 1, lastModified: world.from.object(key)?.lastModified },
        etag: `"${world.from.object(key)?.etag}"`,
      };
      return `${key}\0${size} ${lastModified} ${etag}\0\0`;
    });
    // One page, after nothing.
    const chain = createHash('sha256').update(lines.join('')).digest('hex');
    assert.deepEqual(
      ranges.map(({ digest }) => digest),
      [chain],
    );
  });
});

describe('an estimate', () => {
  test('predicts the requests of the backfill that follows, changes nothing, and knows no time before a copy', async () => {
    await using world = await startWorld();
    const { from, to, client, source, target } = world;
    from.put('large', Buffer.alloc(sizes.large, 'x'));
    from.put('medium', Buffer.alloc(sizes.medium, 'x'));
    from.put('small', Buffer.from('x'));
    to.put('small', Buffer.from('x'));
    const taskId = await world.createTask();
    const estimate = async () =>
      (await verified(world, taskId, { kind: 'estimate' }))['estimate'] as Record<string, unknown>;
    const before = await estimate();
    assert.deepEqual(
      [to.object('large'), before['seconds'], before['rate']],
      [undefined, null, null],
    );
    assert.partialDeepStrictEqual(before, {
      ...{
        copy_objects: 2,
        copy_bytes: sizes.large + sizes.medium,
        skip_objects: 1,
        skip_bytes: 1,
      },
    });
    const requests = (): Record<string, number> => ({
      get: source.requests.of('GetObject'),
      head: target.requests.of('HeadObject'),
      put: target.requests.of('PutObject'),
      create_upload: target.requests.of('CreateMultipartUpload'),
      upload_part: target.requests.of('UploadPart'),
      complete_upload: target.requests.of('CompleteMultipartUpload'),
    });
    const at = requests();
    await client.call('POST', `/sync-tasks/${taskId}/scans`, { kind: 'backfill' });
    await client.settled(taskId, 2);
    const sent = Object.entries(requests()).map(([name, count]) => [name, count - (at[name] ?? 0)]);
    const { source_requests: ofSource, target_requests: ofTarget } = before as {
      readonly source_requests: Record<string, number>;
      readonly target_requests: Record<string, number>;
    };
    assert.deepEqual({ get: ofSource['get'], ...ofTarget }, Object.fromEntries(sent));
    assert.equal(typeof (await estimate())['rate'], 'object');
  });
});
