import { after, test } from 'node:test';
import { Secret } from '../../src/platform/base/seal.ts';
import { isAzureCloud } from '../../src/platform/stores/azure/dialects.ts';
import { openStore } from '../../src/platform/stores/open-store.ts';
import { type StoreDialect, storeDialects } from '../../src/platform/stores/providers.ts';
import { s3Dialects } from '../../src/platform/stores/s3/dialects.ts';
import { exceptionsOf } from '../conformance/exceptions.ts';
import { testStore } from '../conformance/store.ts';
import { series } from '../kit/matrix/proves.ts';

/*
 * The promises of Store, tried on real buckets: those of the clouds whose keys are in the environment.
 * All keys of a run begin alike, and only these are removed.
 */

interface Account {
  readonly region: string;
  readonly bucket: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly endpoint: string | undefined;
}

/**
 * `LIVE_ALIYUN_REGION`, `_BUCKET`, `_AK`, `_SK` and, where it is not the cloud's own, `_ENDPOINT`.
 *
 * @returns Why there is none, where nothing is given. @throws {Error} naming what is missing of the rest.
 */
function accountOf(name: StoreDialect): Account | string {
  const prefix = `LIVE_${name.toUpperCase()}_`;
  const hasOwnPlace = isAzureCloud(name) || s3Dialects[name].endpoints.length > 0;
  const needed = ['REGION', 'BUCKET', 'AK', 'SK', ...(hasOwnPlace ? [] : ['ENDPOINT'])];
  const missing = needed.filter((each) => (process.env[prefix + each] ?? '') === '');
  if (missing.length === needed.length) {
    return `no key for ${name}: set ${needed.map((each) => prefix + each).join(', ')}`;
  }
  if (missing.length > 0) {
    throw new Error(`for ${name} set ${missing.map((each) => prefix + each).join(', ')} too`);
  }
  const given = (each: string): string => process.env[prefix + each] ?? '';
  return {
    region: given('REGION'),
    bucket: given('BUCKET'),
    accessKeyId: given('AK'),
    secretAccessKey: given('SK'),
    endpoint: process.env[`${prefix}ENDPOINT`],
  };
}

const skipped: string[] = [];

// The names of the table are those of the type.
for (const name of storeDialects) {
  const account = accountOf(name);
  if (typeof account === 'string') {
    skipped.push(name);
    test(`${name}, live`, { skip: account }, () => undefined);
    continue;
  }
  const { region, bucket, accessKeyId, secretAccessKey, endpoint } = account;
  testStore(`${name}, live`, {
    series: series('store-live', { way: 'live', clouds: [name] }),
    exceptions: exceptionsOf[name] ?? {},
    open: async () => {
      const store = openStore({
        ...{ dialect: name, region, bucket, endpoint },
        credentials: { accessKeyId, secretAccessKey: new Secret(secretAccessKey) },
      });
      return { store, bucket, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
    },
  });
}

after(() => {
  if (skipped.length > 0) console.log(`skipped, no keys: ${skipped.join(', ')}`);
});
