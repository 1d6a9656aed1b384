import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { Secret } from '../../base/seal.ts';
import { openAdapter, type StoreOptions } from '../open-store.ts';
import type { Store } from '../store.ts';
import { proves, series } from '../../../../test/kit/matrix/proves.ts';

const { signal } = new AbortController();

interface Seen {
  readonly host: string;
  readonly authorization: string;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
}

interface Trial {
  readonly store: Store;
  readonly seen: readonly Seen[];
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** A store whose hosts are all one local server, which answers as `answers` says. */
async function storeAt(
  options: Pick<StoreOptions, 'dialect' | 'region'> & { readonly host: string },
  answers: (host: string) => Answer | undefined,
): Promise<Trial> {
  const seen: Seen[] = [];
  const listener: RequestListener = (request, response) => {
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    seen.push({ host, authorization: request.headers.authorization ?? '' });
    const {
      status,
      headers,
      text = '',
    } = answers(host) ?? {
      status: 200,
      headers: { 'etag': '"e"', 'last-modified': 'Tue, 14 Nov 2023 22:13:20 GMT' },
    };
    request.resume().on('end', () => {
      const length = { 'content-length': Buffer.byteLength(text) };
      response.writeHead(status, { ...length, ...headers }).end(text);
    });
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  const store = openAdapter({
    dialect: options.dialect,
    region: options.region,
    bucket: 'bucket',
    endpoint: `http://${options.host}:${port}`,
    credentials: { accessKeyId: 'id', secretAccessKey: new Secret('secret') },
    lookup: (_hostname, { all }, callback) => {
      if (all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
      else callback(null, '127.0.0.1', 4);
    },
  });
  return {
    store,
    seen,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      server.close();
    },
  };
}

const usual = { dialect: 'AWS', region: 'us-east-1', host: 's3.us-east-1.amazonaws.com' } as const;
const there = 'bucket.s3.eu-central-1.amazonaws.com';
const body = { content: Buffer.from('x'), size: 1 };

function redirect(endpoint: string): Answer {
  const text = `<Error><Code>PermanentRedirect</Code><Message>m</Message><Endpoint>${endpoint}</Endpoint></Error>`;
  return { status: 301, text };
}

describe(
  'a bucket in another region',
  series('relocation', { way: 'own', clouds: ['AWS'] }),
  () => {
    for (const [title, answer] of [
      ['a header', { status: 400, headers: { 'x-amz-bucket-region': 'eu-central-1' } }],
      [
        'a region',
        {
          status: 400,
          text: '<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-central-1</Region></Error>',
        },
      ],
      ['a host', redirect(there)],
      ['a host without the bucket', redirect('s3.eu-central-1.amazonaws.com')],
      [
        'an address with the bucket in its path',
        { status: 301, headers: { location: 'https://s3.eu-central-1.amazonaws.com/bucket/key' } },
      ],
      ['an address', { status: 307, headers: { location: `https://${there}:8080/key?x=y` } }],
    ] as const) {
      test(
        `is found by ${title}, and later requests go there`,
        proves('wrong region'),
        async () => {
          const answers = (host: string) => (host === there ? undefined : answer);
          await using trial = await storeAt(usual, answers);
          await trial.store.put('key', body, {}, signal);
          await trial.store.put('key', body, {}, signal);
          const hosts = trial.seen.map(({ host }) => host);
          assert.deepEqual(hosts, ['bucket.s3.us-east-1.amazonaws.com', there, there]);
          for (const { authorization } of trial.seen.slice(1)) {
            assert.match(authorization, /\/eu-central-1\/s3\/aws4_request/);
          }
        },
      );
    }

    test('is found by requests that were on their way together', async () => {
      const answers = (host: string) => (host === there ? undefined : redirect(there));
      await using trial = await storeAt(usual, answers);
      const put = () => trial.store.put('key', body, {}, signal);
      await Promise.all([put(), put(), put(), put()]);
      assert.equal(trial.seen.filter(({ host }) => host === there).length, 4);
    });

    test('of OSS is found by its endpoint', proves('wrong region', 'Aliyun'), async () => {
      const text =
        '<Error><Code>AccessDenied</Code><Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint></Error>';
      const beijing = 'bucket.oss-cn-beijing.aliyuncs.com';
      const options = { dialect: 'Aliyun', region: 'cn-hangzhou' } as const;
      await using trial = await storeAt(
        { ...options, host: 'oss-cn-hangzhou.aliyuncs.com' },
        (host) => (host === beijing ? undefined : { status: 403, text }),
      );
      await trial.store.put('key', body, {}, signal);
      assert.equal(trial.seen.at(-1)?.host, beijing);
      assert.match(trial.seen.at(-1)?.authorization ?? '', /\/cn-beijing\/oss\//);
    });

    test('fails a stream, which is spent, so that the next one is right', async () => {
      const answers = (host: string) => (host === there ? undefined : redirect(there));
      await using trial = await storeAt(usual, answers);
      const put = () => {
        const content = (async function* () {
          yield Buffer.from('x');
        })();
        return trial.store.put('key', { content, size: 1 }, {}, signal);
      };
      await assert.rejects(put(), { fault: 'unavailable', transient: true });
      await put();
    });

    test('is looked for once only', proves('wrong region'), async () => {
      const answers = (host: string) =>
        redirect(host === there ? 's3.eu-west-1.amazonaws.com' : there);
      await using trial = await storeAt(usual, answers);
      await assert.rejects(trial.store.put('key', body, {}, signal), { fault: 'refused' });
      await assert.rejects(trial.store.put('key', body, {}, signal), { fault: 'refused' });
      assert.equal(trial.seen.length, 3);
    });
  },
);

describe('a signature goes nowhere else', () => {
  for (const endpoint of [
    'evil.example',
    'amazonaws.com.evil.example',
    'evilamazonaws.com',
    'ec2-198-51-100-1.eu-central-1.compute.amazonaws.com',
    'abc.execute-api.eu-central-1.amazonaws.com',
    's3.eu-central-1.amazonaws.com:8080',
    's3.eu-central-1.amazonaws.com/x',
    'x@s3.amazonaws.com',
    'http://s3.eu-central-1.amazonaws.com',
    '',
  ]) {
    test(`not to ${JSON.stringify(endpoint)}`, async () => {
      await using trial = await storeAt(usual, () => redirect(endpoint));
      await assert.rejects(trial.store.put('key', body, {}, signal), { fault: 'refused' });
      assert.equal(trial.seen.length, 1);
    });
  }

  for (const location of [
    'https://evil.example/bucket/key',
    'https://s3.eu-central-1.amazonaws.com@evil.example/',
    'https://abc.execute-api.eu-central-1.amazonaws.com/',
    'ftp://s3.eu-central-1.amazonaws.com/bucket',
    'https://other.s3.eu-central-1.amazonaws.com/key',
    'https://s3.eu-central-1.amazonaws.com/other/key',
    '/bucket/key',
    '//s3.eu-central-1.amazonaws.com/',
    '',
  ]) {
    test(`not where a header leads to, ${JSON.stringify(location)}`, async () => {
      await using trial = await storeAt(usual, () => ({ status: 301, headers: { location } }));
      await assert.rejects(trial.store.put('key', body, {}, signal), { fault: 'refused' });
      assert.equal(trial.seen.length, 1);
    });
  }

  test('not to a function that runs beside the storage', async () => {
    const host = 'oss-cn-hangzhou.aliyuncs.com';
    const oss = { dialect: 'Aliyun', region: 'cn-hangzhou', host } as const;
    await using trial = await storeAt(oss, () =>
      redirect('1234567890.cn-hangzhou.fc.aliyuncs.com'),
    );
    await assert.rejects(trial.store.put('key', body, {}, signal), { fault: 'refused' });
    assert.equal(trial.seen.length, 1);
  });

  test('not by an invalid region', async () => {
    const headers = { 'x-amz-bucket-region': 'evil.example/' };
    await using trial = await storeAt(usual, () => ({ status: 400, headers }));
    await assert.rejects(trial.store.put('key', body, {}, signal), { fault: 'refused' });
    assert.equal(trial.seen.length, 1);
  });

  test('not from a private server, which may say for which region to sign', async () => {
    const own = { dialect: 'AWS', region: 'us-east-1', host: 'minio.lan' } as const;
    await using elsewhere = await storeAt(own, () => redirect('s3.eu-central-1.amazonaws.com'));
    await assert.rejects(elsewhere.store.put('key', body, {}, signal), { fault: 'refused' });
    assert.equal(elsewhere.seen.length, 1);

    const text = '<Error><Code>AuthorizationHeaderMalformed</Code><Region>here</Region></Error>';
    let calls = 0;
    await using trial = await storeAt(own, () => {
      calls += 1;
      return calls === 1 ? { status: 400, text } : undefined;
    });
    await trial.store.put('key', body, {}, signal);
    assert.deepEqual(
      trial.seen.map(({ host }) => host),
      ['minio.lan', 'minio.lan'],
    );
    assert.match(trial.seen.at(-1)?.authorization ?? '', /\/here\/s3\//);
  });

  test('not because of what merely is denied', async () => {
    const headers = { 'x-amz-bucket-region': 'eu-central-1' };
    const text = '<Error><Code>AccessDenied</Code></Error>';
    await using trial = await storeAt(usual, () => ({ status: 403, headers, text }));
    await assert.rejects(trial.store.put('key', body, {}, signal), { fault: 'denied' });
    assert.equal(trial.seen.length, 1);
  });
});
