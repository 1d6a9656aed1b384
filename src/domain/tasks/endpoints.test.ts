import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { BucketPlace } from './task-record.ts';
import { readEndpoints, isSameBucket, type MappedEndpoint } from './endpoints.ts';
import type { Problem } from '../service-error.ts';

function place(differs: Partial<BucketPlace> = {}): BucketPlace {
  return { cloud: 'AWS', region: 'eu-west-1', bucket: 'bucket', endpoint: undefined, ...differs };
}

function refused(
  differs: Partial<BucketPlace>,
  problem: Problem,
  {
    mapped = [],
    allowed = [],
  }: { mapped?: readonly MappedEndpoint[]; allowed?: readonly string[] } = {},
): string {
  const known = readEndpoints(mapped, allowed);
  let told = '';
  assert.throws(
    () => known.check(place(differs), 'source'),
    (error) => {
      told = String(Reflect.get(error as Error, 'detail'));
      return Reflect.get(error as Error, 'problem') === problem;
    },
    JSON.stringify(differs),
  );
  return told;
}

describe('a place without an address', () => {
  test('is at the endpoint of the cloud itself', () => {
    const known = readEndpoints([], []);
    const aws = known.resolve(place());
    assert.deepEqual(
      [aws.dialect, aws.url, aws.region],
      ['AWS', 'https://s3.eu-west-1.amazonaws.com', 'eu-west-1'],
    );
    const huawei = known.resolve(place({ cloud: 'HuaweiCloud', region: 'cn-north-4' }));
    assert.equal(huawei.url, 'https://obs.cn-north-4.myhuaweicloud.com');
    assert.match(aws.guard?.('s3', '10.0.0.1') ?? '', /does not lead to a public address/);
  });

  test('is at the endpoint in the operator’s file, for the region or for all', () => {
    const mapped = [
      { cloud: 'AWS', region: 'lan', endpoint: 'http://10.0.0.1:9000', signingRegion: 'us-east-1' },
      { cloud: 'AWS', region: '*', endpoint: 'https://minio.example', addressing: 'path' },
      { cloud: 'Aliyun', region: '*', endpoint: 'https://oss.example' },
    ] as const satisfies MappedEndpoint[];
    const known = readEndpoints(mapped, []);
    const lan = known.resolve(place({ region: 'lan' }));
    assert.deepEqual(
      [lan.url, lan.region, lan.guard],
      ['http://10.0.0.1:9000', 'us-east-1', undefined],
    );
    const other = known.resolve(place({ region: 'other' }));
    assert.deepEqual(
      [other.url, other.region, other.addressing],
      ['https://minio.example', 'other', 'path'],
    );
    assert.equal(known.resolve(place({ cloud: 'Aliyun' })).dialect, 'S3');
  });

  test('is where its own entry says, wherever that stands beside the one for all regions', () => {
    const all = { cloud: 'AWS', region: '*', endpoint: 'https://all.example' } as const;
    const one = { ...all, region: 'eu-west-1', endpoint: 'https://one.example' };
    for (const mapped of [
      [all, one],
      [one, all],
    ]) {
      const known = readEndpoints(mapped, []);
      assert.equal(known.resolve(place({ region: 'eu-west-1' })).url, one.endpoint);
      assert.equal(known.resolve(place({ region: 'eu-west-2' })).url, all.endpoint);
    }
  });

  test('is known to be one bucket by its address, however it is named', () => {
    const minio = 'https://minio.example:9000';
    const known = readEndpoints(
      [{ cloud: 'AWS', region: 'here', endpoint: minio }],
      ['minio.example'],
    );
    const entered = (differs: Partial<BucketPlace>, accessKeyId: string) => {
      return { ...place(differs), accessKeyId };
    };
    const mapped = entered({ region: 'here' }, 'one');
    const named = entered({ cloud: 'HuaweiCloud', region: 'x', endpoint: `${minio}/` }, 'two');
    assert.equal(isSameBucket(known, mapped, named), true);
    assert.equal(isSameBucket(known, mapped, { ...named, bucket: 'another' }), false);
    // Names are one in all regions of a cloud, but not in all its branches, nor of every cloud.
    const aws = entered({ region: 'us-east-1' }, 'one');
    assert.equal(isSameBucket(known, aws, entered({ region: 'us-west-2' }, 'two')), true);
    assert.equal(isSameBucket(known, aws, entered({ region: 'cn-north-1' }, 'one')), false);
    const ucloud = entered({ cloud: 'UCloud', region: 'cn-bj' }, 'one');
    assert.equal(isSameBucket(known, ucloud, { ...ucloud, region: 'hk' }), false);
    assert.equal(isSameBucket(known, mapped, entered({ region: 'eu-west-1' }, 'one')), false);
    const short = { ...entered({ cloud: 'Tencent' }, 'one'), appId: '1250000000' };
    const full = entered({ cloud: 'Tencent', bucket: 'bucket-1250000000' }, 'two');
    assert.equal(isSameBucket(known, short, full), true);
    assert.equal(isSameBucket(known, { ...short, appId: '1' }, full), false);
    const container = entered({ cloud: 'Azure', region: 'westeurope' }, 'account');
    assert.equal(isSameBucket(known, container, { ...container, region: 'eastus' }), true);
    assert.equal(isSameBucket(known, container, { ...container, accessKeyId: 'other' }), false);
  });

  test('is another bucket at another service, though it has the same name', () => {
    const known = readEndpoints([], ['*.r2.cloudflarestorage.com', '*.wasabisys.com']);
    const at = (endpoint?: string) => ({ ...place({ endpoint }), accessKeyId: 'key' });
    const services = [
      at(),
      at('https://account.r2.cloudflarestorage.com'),
      at('https://other.r2.cloudflarestorage.com'),
      at('https://s3.eu-central-1.wasabisys.com'),
    ];
    for (const one of services) {
      for (const other of services) {
        assert.equal(isSameBucket(known, one, other), one === other, other.endpoint);
      }
    }
  });

  test('of Azure is known by the region, and by none', () => {
    const known = readEndpoints(
      [{ cloud: 'Azure', region: 'here', endpoint: 'http://azurite:10000' }],
      [],
    );
    for (const [region, url] of [
      ['', 'https://blob.core.windows.net'],
      ['westeurope', 'https://blob.core.windows.net'],
      ['chinaeast2', 'https://blob.core.chinacloudapi.cn'],
      ['usgovvirginia', 'https://blob.core.usgovcloudapi.net'],
      ['here', 'http://azurite:10000'],
    ] as const) {
      const found = known.resolve(place({ cloud: 'Azure', region }));
      assert.deepEqual([found.dialect, found.url], ['Azure', url]);
    }
  });

  test('of no region says that this is missing', () => {
    const check = () => readEndpoints([], []).check(place({ region: '' }), 'source');
    assert.throws(check, /No region is given for AWS/);
  });

  test('of a cloud whose address is not known is refused, and says how to map it', () => {
    const told = refused({ cloud: 'Baidu', region: 'b.j' }, 'endpoint-unknown');
    assert.match(told, /source\.region.*settings\.config.*cloud: Baidu, region: b\.j/);
  });

  for (const region of [
    '',
    'a.b',
    'x.evil.example/',
    'x@evil.example',
    'x#',
    'x?',
    'x:1',
    '../x',
    'a b',
    '{region}',
    '$&',
    'é',
    'x\n',
  ]) {
    test(`never leads elsewhere by its region: ${JSON.stringify(region)}`, () => {
      refused({ region }, 'endpoint-unknown');
      assert.throws(() => readEndpoints([], []).resolve(place({ region })));
    });
  }
});

describe('a bucket’s name', () => {
  for (const bucket of [
    '',
    '.',
    '..',
    '../other',
    'a/b',
    'a?b',
    'a#b',
    'a b',
    'a@b',
    'evil.example/',
    '-a',
    '_a',
    'a%2fb',
    'a\nb',
    'a\n',
    'ü',
    'a'.repeat(256),
  ]) {
    test(`never leads elsewhere: ${JSON.stringify(bucket).slice(0, 20)}`, () => {
      refused({ bucket }, 'invalid-request');
    });
  }

  test('may be all that clouds allow', () => {
    for (const bucket of ['a', 'my-bucket.v2_x', 'A1', '0'.repeat(255)]) {
      readEndpoints([], []).check(place({ bucket }), 'target');
    }
  });
});

describe('an address that a request names', () => {
  const allowed = [
    'minio.example',
    'ports.example:9000',
    '*.corp.example',
    '10.1.0.0/16',
    '192.168.7.7',
    'fd00::7',
    'UPPER.example',
  ];

  for (const endpoint of [
    'https://minio.example',
    'https://minio.example/',
    'http://minio.example:9000',
    'HTTPS://MINIO.EXAMPLE',
    'http://ports.example:9000',
    'https://s3.corp.example',
    'https://a.b.corp.example',
    'http://10.1.2.3:9000',
    'http://192.168.7.7',
    'http://[fd00::7]:9000',
    'http://[FD00:0::7]',
    'https://upper.example',
  ]) {
    test(`is taken where the operator allows it: ${endpoint}`, () => {
      readEndpoints([], allowed).check(place({ endpoint }), 'source');
      assert.equal(readEndpoints([], allowed).resolve(place({ endpoint })).url, endpoint);
    });
  }

  for (const endpoint of [
    'https://evil.example',
    'https://minio.example.evil.example',
    'https://evilminio.example',
    'https://minio.example.',
    'https://corp.example',
    'https://evilcorp.example',
    'https://minio.example@evil.example',
    'https://minio.example:x@evil.example',
    'https://user@minio.example',
    'https://user:password@minio.example',
    'https://evil.example#minio.example',
    'https://evil.example?minio.example',
    'https://evil.example/minio.example',
    'https://evil.example\\@minio.example',
    'https://minio.example/path',
    'https://minio.example/?x',
    'https://minio.example/#x',
    'https://ports.example',
    'http://ports.example:9001',
    'ftp://minio.example',
    'file:///etc/passwd',
    'javascript:alert(1)',
    '//minio.example',
    'minio.example',
    'https:minio.example',
    'https:/minio.example',
    ' https://minio.example',
    '',
    'https://',
    'http://127.0.0.1',
    'http://localhost',
    'http://2130706433',
    'http://0x7f000001',
    'http://0177.0.0.1',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:10.1.2.3]',
    'http://169.254.169.254',
    'http://10.2.0.1',
    'http://192.168.7.8',
    'http://[fd00::8]',
    'http://0',
  ]) {
    test(`is refused otherwise: ${endpoint}`, () => {
      assert.match(refused({ endpoint }, 'endpoint-refused', { allowed }), /\[source\.endpoint\]/);
      assert.throws(() => readEndpoints([], allowed).resolve(place({ endpoint })));
    });
  }

  test('is none where the operator allows none', () => {
    refused({ endpoint: 'https://s3.eu-west-1.amazonaws.com' }, 'endpoint-refused');
  });

  test('takes precedence over the operator’s file, and is guarded, too', () => {
    const mapped = [{ cloud: 'AWS', region: '*', endpoint: 'https://mapped.example' }] as const;
    const found = readEndpoints(mapped, allowed).resolve(
      place({ endpoint: 'https://s3.corp.example' }),
    );
    assert.equal(found.url, 'https://s3.corp.example');
    const { guard } = found;
    assert.ok(guard !== undefined);
    assert.match(guard('minio.elsewhere', '10.9.0.1') ?? '', /does not lead to a public address/);
    assert.equal(guard('s3.corp.example', '10.9.0.1'), undefined);
    assert.equal(guard('ports.example', '10.9.0.1'), undefined);
    assert.equal(guard('fd00::7', 'fd00::7'), undefined);
    assert.match(guard('fd00::8', 'fd00::8') ?? '', /does not lead to a public address/);
  });

  test('is signed and read as the cloud’s own only at its own hosts', () => {
    const known = readEndpoints([], ['*.myhuaweicloud.com', 'minio.example']);
    const huawei = (endpoint: string) => known.resolve(place({ cloud: 'HuaweiCloud', endpoint }));
    assert.equal(huawei('https://obs.cn-north-4.myhuaweicloud.com').dialect, 'HuaweiCloud');
    assert.equal(huawei('https://minio.example').dialect, 'S3');
    const r2 = 'https://account.r2.cloudflarestorage.com';
    const compatible = readEndpoints([], ['*.r2.cloudflarestorage.com', '*.wasabisys.com']);
    assert.equal(compatible.resolve(place({ endpoint: r2 })).dialect, 'R2');
    const wasabi = 'https://s3.eu-central-1.wasabisys.com';
    assert.equal(compatible.resolve(place({ endpoint: wasabi })).dialect, 'Wasabi');
  });
});

describe('the domain of a CDN', () => {
  const allowed = ['10.0.0.5:9000', 'cdn.lan:9000', '10.1.0.0/16', '*.corp.example'];
  const at = (domain: string) =>
    readEndpoints([], allowed).resolveCdn(
      { domain, protocol: 'http', authenticationType: 'NONE' },
      place(),
    );

  test('may be any public host', () => {
    const { guard } = at('cdn.example.com:8080');
    assert.equal(guard('cdn.example.com', '93.184.216.34'), undefined);
    assert.match(guard('cdn.example.com', '10.0.0.5') ?? '', /does not lead to a public address/);
  });

  test('may be a private one, at the ports that the operator lets requests name', () => {
    assert.equal(at('10.0.0.5:9000').guard('10.0.0.5', '10.0.0.5'), undefined);
    assert.equal(at('cdn.lan:9000').guard('cdn.lan', '10.9.9.9'), undefined);
    assert.equal(at('10.1.2.3').guard('10.1.2.3', '10.1.2.3'), undefined);
    assert.equal(at('cdn.corp.example').guard('cdn.corp.example', '10.9.9.9'), undefined);
    assert.throws(() => at('10.0.0.5:6379'), { problem: 'cdn-refused' });
    assert.throws(() => at('10.0.0.5'), { problem: 'cdn-refused' });
    assert.match(
      at('cdn.lan:9001').guard('cdn.lan', '10.0.0.5') ?? '',
      /does not lead to a public address/,
    );
  });
});

test('containers that Azure names itself are buckets of Azure only', () => {
  const known = readEndpoints([], []);
  for (const bucket of ['$web', '$root', '$logs', '$blobchangefeed']) {
    known.check(place({ cloud: 'Azure', region: 'westeurope', bucket }), 'source');
    refused({ bucket }, 'invalid-request');
  }
  refused({ cloud: 'Azure', region: 'westeurope', bucket: '$other' }, 'invalid-request');
});
