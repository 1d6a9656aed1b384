import { Secret } from '../../src/platform/base/seal.ts';
import { openStore } from '../../src/platform/stores/open-store.ts';
import { startCdnServer } from '../kit/cdn-server.ts';
import { startKodoServer } from '../kit/kodo-server/server.ts';
import { startS3Server } from '../kit/s3-server/server.ts';
import { testStore } from './store.ts';
import { series } from '../kit/matrix/proves.ts';

testStore('S3, read through a CDN', {
  async open() {
    const server = await startS3Server({ buckets: ['bucket'] });
    const content = server.bucket('bucket');
    const { accessKeyId, secretAccessKey } = server.accessKey;
    const cdn = await startCdnServer({
      ...{ bucket: 'bucket', content, key: 'key-of-the-cdn' },
      check: 'TENCENT_COS_D with a key',
    });
    const store = openStore({
      ...{ dialect: 'AWS', region: 'us-east-1', bucket: 'bucket', endpoint: server.url },
      credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
      connections: 8,
      cdn: {
        ...{ origin: `http://${cdn.domain}`, authenticationType: 'TENCENT_COS_D' },
        ...{ key: new Secret('key-of-the-cdn'), appId: '1250000000', guard: undefined },
      },
    });
    return {
      ...{ store, bucket: 'bucket' },
      archive: { tier: 'ARCHIVE', thaw: (key) => content.finishRestore(key) },
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        await cdn[Symbol.asyncDispose]();
        await server.close();
      },
    };
  },
});

testStore('Qiniu, read by Kodo’s own downloads', {
  series: series('kodo-downloads', {
    ...{ way: 'own', clouds: ['Qiniu'] },
    as: { 'reads': 'CDN', 'odd names': 'CDN', 'restore': 'CDN' },
  }),
  async open() {
    const cloud = await startS3Server({ buckets: ['bucket'], dialect: 'qiniu' });
    const kodo = await startKodoServer({ cloud, bound: 'bucket' });
    const { accessKeyId, secretAccessKey } = cloud.accessKey;
    const store = openStore({
      ...{ dialect: 'Qiniu', region: 'cn-east-1', bucket: 'bucket', endpoint: cloud.url },
      credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
      connections: 8,
      cdn: {
        origin: `http://127.0.0.1:${kodo.port}`,
        authenticationType: 'QINIU_PRIVATE_AUTHENTICATION',
        ...{ key: undefined, appId: undefined, guard: undefined },
      },
    });
    return {
      ...{ store, bucket: 'bucket' },
      archive: { tier: 'ARCHIVE', thaw: (key) => cloud.bucket('bucket').finishRestore(key) },
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        await kodo[Symbol.asyncDispose]();
        await cloud.close();
      },
    };
  },
});
