import { type S3DialectName, s3Dialects } from '../../src/platform/stores/s3/dialects.ts';
import { s3DialectNames } from '../kit/played-clouds.ts';
import { exceptionsOf } from './exceptions.ts';
import { openCloud } from './open-cloud.ts';
import { type Harness, testStore } from './store.ts';
import { series } from '../kit/matrix/proves.ts';

function harness(dialect: S3DialectName): Harness {
  const { tierClasses, classes } = s3Dialects[dialect];
  const archived = Object.entries(tierClasses).some(([, word]) => classes.get(word)?.archived);
  return {
    series: series('store-played', { way: 'own', clouds: [dialect] }),
    exceptions: exceptionsOf[dialect] ?? {},
    open: async () => {
      const cloud = await openCloud(dialect);
      const { server, store, bucket } = cloud;
      return {
        store,
        bucket,
        ...(archived && {
          archive: {
            tier: 'ARCHIVE' as const,
            thaw: (key: string) => server.bucket(bucket).finishRestore(key),
          },
        }),
        [Symbol.asyncDispose]: () => cloud[Symbol.asyncDispose](),
      };
    },
  };
}

for (const name of s3DialectNames) {
  const { addressing, signature } = s3Dialects[name];
  testStore(`${name}, ${addressing.own}, ${signature}`, harness(name));
}
