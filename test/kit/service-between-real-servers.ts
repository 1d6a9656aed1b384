import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Secret } from '../../src/platform/base/seal.ts';
import { openStore } from '../../src/platform/stores/open-store.ts';
import type { StoreDialect } from '../../src/platform/stores/providers.ts';
import type { PutOptions, Store } from '../../src/platform/stores/store.ts';
import { createBucket } from './create-bucket.ts';
import { roundsOf } from './oms-client.ts';
import type { TestService } from './service.ts';
import { until } from './until.ts';
import { proves } from './matrix/proves.ts';

/** A store's server that is not ours. */
export interface RealServer {
  readonly url: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const { signal } = new AbortController();

/** A new bucket at a server, open beside the service, to fill and to look at. */
export async function openBucketAt(
  server: RealServer,
  dialect: StoreDialect,
  bucket: string,
): Promise<Store> {
  const { url: endpoint, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey: new Secret(secretAccessKey) };
  await createBucket(endpoint, bucket, credentials);
  return openStore({ dialect, endpoint, region: 'us-east-1', bucket, credentials });
}

interface EndedScan {
  readonly state: string;
  readonly reason: string | null;
  readonly source_objects: number;
  readonly missing: number;
  readonly different: number;
  readonly equal: number;
}

async function listedKeys(store: Store): Promise<string[]> {
  const keys: string[] = [];
  for (let after: string | undefined; ; ) {
    const { entries, next } = await store.list({ after }, signal);
    keys.push(...entries.map(({ key }) => key));
    if (next === undefined) return keys;
    after = next;
  }
}

/** Two buckets at real servers, and a service whose tasks go from the one to the other. */
export class ServerPair {
  readonly from: Store;
  readonly to: Store;
  readonly service: TestService;
  /** Of the request that makes a task. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor({ from, to, service, body }: Pick<ServerPair, 'from' | 'to' | 'service' | 'body'>) {
    this.from = from;
    this.to = to;
    this.service = service;
    this.body = body;
  }

  createTask(fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return this.service.client.createTask({ ...this.body, ...fields });
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<void> {
    await this.from.put(key, { content: bytes, size: bytes.length }, options, signal);
  }

  async copied(key: string): Promise<Buffer> {
    return Buffer.from(await (await this.to.read(key, {}, signal)).body.bytes());
  }

  async sync(taskId: string, keys: readonly string[]) {
    const before = roundsOf(await this.service.client.show(taskId));
    await this.service.client.sendEvents(taskId, keys);
    return this.service.client.settled(taskId, before + keys.length);
  }

  /** The newest scan of a task, once it has ended. */
  async scanned(taskId: string): Promise<EndedScan> {
    const newest = async (): Promise<EndedScan> => {
      const reply = await this.service.client.call('GET', `/sync-tasks/${taskId}/scans`);
      const [scan] = (reply as { readonly scans: readonly EndedScan[] }).scans;
      return scan ?? assert.fail('there is no scan');
    };
    const isOver = async () => !['waiting', 'running'].includes((await newest()).state);
    await until('the scan has ended', isOver, 100);
    return await newest();
  }

  async outcomeOf(taskId: string, key: string) {
    const all = await this.service.client.objects(taskId);
    return all.find((each) => each.object_key === key) ?? assert.fail(key);
  }
}

/** Resolves when no object of a task waits. */
async function idle(taskId: string, client: TestService['client']): Promise<void> {
  await until('nothing waits', async () => {
    const progress = await client.call('GET', `/sync-tasks/${taskId}/progress`);
    const { waiting_events, waiting_scans, in_work } = progress as Readonly<Record<string, number>>;
    return waiting_events === 0 && waiting_scans === 0 && in_work === 0;
  });
}

/** What scans do between any two servers. */
function testScans(pairOf: () => ServerPair, names: readonly string[]): void {
  test('a backfill copies all while events arrive, and a reconcile what no event has named', async () => {
    const pair = pairOf();
    const { client } = pair.service;
    const odd = ['a b+c%20/中文 🪣', '\uffee', '🙈', 'quote\'"<&>/~*()!', ...names];
    const keys = [...odd, ...Array.from({ length: 60 }, (_, at) => `scanned-${at % 7}-${at}`)].map(
      (key) => `scans/${key}`,
    );
    for (const key of keys) await pair.put(key, Buffer.from(key));
    const taskId = await pair.createTask({ initial_scan: true });
    const named = ['scans/named-1', 'scans/named-2'];
    for (const key of named) await pair.put(key, Buffer.from(key));
    await client.sendEvents(taskId, named);
    const backfill = await pair.scanned(taskId);
    assert.equal(backfill.state, 'complete', backfill.reason ?? '');
    await idle(taskId, client);
    for (const key of [...keys, ...named]) assert.equal((await pair.copied(key)).toString(), key);
    // Of these, no event arrives.
    await pair.put('scans/lost', Buffer.from('lost'));
    await pair.put(named[0] ?? '', Buffer.from('a longer text than before'));
    await client.call('POST', `/sync-tasks/${taskId}/scans`, { kind: 'reconcile' });
    const { state, missing, different, equal, source_objects } = await pair.scanned(taskId);
    const all = await listedKeys(pair.from);
    assert.deepEqual(
      { state, missing, different, equal, source_objects },
      {
        ...{ state: 'complete', missing: 1, different: 1 },
        ...{ equal: all.length - 2, source_objects: all.length },
      },
    );
    await idle(taskId, client);
    assert.equal((await pair.copied('scans/lost')).toString(), 'lost');
    const there = new Set(await listedKeys(pair.to));
    assert.deepEqual(
      all.filter((key) => !there.has(key)),
      [],
    );
  });
}

/** What holds between any two servers that keep an MD5 as the ETag. */
export function testPair(pairOf: () => ServerPair, names: readonly string[]): void {
  testScans(pairOf, names);
  const both = proves(['source', 'destination']);
  test('objects of every size arrive whole, proven, whatever their names', both, async () => {
    const pair = pairOf();
    const { service, to } = pair;
    const taskId = await pair.createTask();
    const objects = new Map<string, Buffer>([
      ['plain', Buffer.from('hello')],
      ['empty', Buffer.alloc(0)],
      ['a b+c%20/中文 🪣', randomBytes(1000)],
      ['quote\'"<&>/~*()!', randomBytes(1000)],
      ...names.map((name) => [name, randomBytes(10)] as const),
      ['two-mib', randomBytes(2 * 1024 ** 2)],
      ['forty-mib', randomBytes(40 * 1024 ** 2)],
    ]);
    for (const [key, bytes] of objects) await pair.put(key, bytes);
    const task = await pair.sync(taskId, [...objects.keys()]);
    assert.equal(task.monthly_success_object, objects.size);
    for (const [key, bytes] of objects) assert.ok((await pair.copied(key)).equals(bytes), key);
    for (const listed of await service.client.objects(taskId)) {
      const method = listed.object_key === 'forty-mib' ? 'md5_of_parts' : 'md5';
      assert.deepEqual([listed.check_method, listed.check_passed], [method, true]);
    }
    assert.deepEqual(await to.listUploads('forty-mib', signal), []);
    const again = await pair.sync(taskId, [...objects.keys()]);
    assert.equal(again.monthly_skip_object, objects.size);
  });

  test('NO_OVERWRITE keeps what is there, and quick second versions arrive', async () => {
    const pair = pairOf();
    const keeping = await pair.createTask({ object_overwrite_mode: 'NO_OVERWRITE' });
    const comparing = await pair.createTask();
    await pair.put('versions', Buffer.from('version 1'));
    await pair.sync(comparing, ['versions']);
    await pair.put('versions', Buffer.from('version 2'));
    const kept = await pair.sync(keeping, ['versions']);
    assert.equal(kept.monthly_skip_object, 1);
    assert.equal((await pair.copied('versions')).toString(), 'version 1');
    await pair.sync(comparing, ['versions']);
    assert.equal((await pair.copied('versions')).toString(), 'version 2');
  });

  for (const [what, fields, reason] of [
    ['an object that is missing', {}, 'not-found'],
    ['a source bucket that is missing', { src_bucket: 'no-such-bucket' }, 'no-bucket'],
    ['a target bucket that is missing', { dst_bucket: 'no-such-bucket' }, 'no-bucket'],
    ['a wrong access key', { src_ak: 'nobody' }, 'bad-credentials'],
    ['a wrong secret key', { src_sk: 'wrong' }, 'bad-credentials'],
  ] as const) {
    test(`${what} fails as ${reason}`, proves('errors'), async () => {
      const pair = pairOf();
      const key = what === 'an object that is missing' ? 'nowhere' : 'there';
      if (key === 'there') await pair.put(key, Buffer.from('text'));
      const taskId = await pair.createTask(fields);
      const task = await pair.sync(taskId, [key]);
      assert.equal(task.monthly_failure_object, 1);
      const failed = await pair.outcomeOf(taskId, key);
      assert.equal(failed.reason, reason, failed.message ?? '');
    });
  }
}
