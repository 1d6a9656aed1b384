import type { StoreDialect } from '../../../src/platform/stores/providers.ts';
import { s3Dialects } from '../../../src/platform/stores/s3/dialects.ts';
import { playedClouds, s3DialectNames } from '../played-clouds.ts';
import { type Ability, clouds, type Way } from './abilities.ts';

/** What tests prove, by their names. */
export interface Claim {
  readonly file: string;
  readonly way: Way;
  /** The suite that a test is in, empty for none. Its group `cloud`, if it has one, tells the cloud. */
  readonly suite: RegExp;
  /** Where no name tells the cloud. */
  readonly clouds?: readonly StoreDialect[];
  /** The names of tests; a group `cloud` tells the cloud. */
  readonly proves: Readonly<Partial<Record<Ability, RegExp>>>;
}

/** The promises of Store; see test/conformance. */
const promises: Claim['proves'] = {
  'signature': /^a read brings head and body together$/,
  'reads':
    /^a (?:missing object is|read|range|pinned read|large body|body)|^an empty object|^bodies|^an aborted/,
  'odd names': /^an object named|^names that differ|^a name may|^an empty name|^odd names/,
  'listing': /^entries come|^pages lose|^a listing|^a prefix|^an entry tells/,
  'put':
    /^a receipt|^a put |^bytes that do not|^a stream|^a key that is taken|^a header with a line/,
  'parts': /^parts put|^a part |^an? (?:detached )?upload|^uploads are|^parts are/,
  'copy': /^a copy/,
  'removal': /^removing keys|^more keys are removed|^odd names are removed/,
  'metadata': /^what describes the content|^user metadata/,
  'restore': /^an archived object is read|^a missing object cannot be restored/,
  'CRC-64': /^the CRC of a receipt|^parts have their CRC/,
};

/** What the SDKs do with the servers that play their clouds; see test/clouds/kit. */
const rides: Claim['proves'] = {
  'signature': /^a wrong secret/,
  'reads': /^bytes, type and ETag/,
  'odd names': /^a name: /,
  'listing': /^pages of a list/,
  'put': /^bytes, type and ETag/,
  'parts': /^an object in parts/,
  'copy': /^a copy/,
  'removal': /^several keys removed/,
  'metadata': /^metadata$/,
  'classes': /^a storage class/,
  'restore': /^an archived object, restored/,
  'KMS': /^encryption by the key service/,
};

function ride(file: string, suite: RegExp, cloud: StoreDialect): Claim {
  return { file: `test/clouds/${file}`, way: 'SDK', suite, clouds: [cloud], proves: rides };
}

function signature(way: Way, file: string, ...tests: [RegExp, RegExp, StoreDialect[]][]): Claim[] {
  return tests.map(([suite, test, at]) => {
    return { file, way, suite, clouds: at, proves: { signature: test } };
  });
}

const none = /^$/;
const crc64Tests = 'src/platform/base/crc64.test.ts';
const withCrc64 = s3DialectNames.filter((name) => s3Dialects[name].crc64Header !== undefined);

const signatures: readonly Claim[] = [
  ...signature('vector', 'test/conformance/s3-server.test.ts', [
    /^signatures, by the examples of the S3 reference$/,
    /./,
    ['AWS', 'S3'],
  ]),
  ...signature('SDK', 'src/platform/signing/aws-v4.test.ts', [
    /^AwsV4Signer$/,
    /^agrees with the official signer/,
    ['AWS', 'S3'],
  ]),
  ...signature(
    'vector',
    'src/platform/signing/signers.test.ts',
    [/^oss-v4$/, /^signs as the vendor's SDK/, ['Aliyun']],
    [/^bce-v1$/, /^signs as the vendor's SDK/, ['Baidu']],
  ),
  ...signature('vector', 'src/platform/signing/cos.test.ts', [
    /^COS signatures$/,
    /^the header|^a query|^a signed URL/,
    ['Tencent'],
  ]),
  ...signature('vector', 'src/platform/signing/azure.test.ts', [/^a service SAS$/, /./, ['Azure']]),
  ...signature(
    'SDK',
    'test/clouds/signers.property.test.ts',
    [/^signers and SDKs agree$/, /^OSS, version 4$/, ['Aliyun']],
    [/^signers and SDKs agree$/, /^COS$/, ['Tencent']],
    [/^signers and SDKs agree$/, /^BOS$/, ['Baidu']],
  ),
  ...signature('SDK', 'test/clouds/azure-signatures.test.ts', [
    /^Microsoft’s own/,
    /^sign requests|^make the same tokens/,
    ['Azure'],
  ]),
];

const family: readonly Claim[] = [
  {
    ...{ file: 'test/conformance/clouds-store.test.ts', way: 'own', proves: promises },
    suite: /^(?<cloud>\w+), .* keeps the promises of Store$/,
  },
  {
    ...{ file: 'test/live/live.test.ts', way: 'live', proves: promises },
    suite: /^(?<cloud>\w+), live keeps the promises of Store$/,
  },
  {
    ...{ file: 'test/conformance/ceph-store.test.ts', way: 'server' },
    suite: /^(?<cloud>\w+), a .*gateway, .* keeps the promises of Store$/,
    proves: without(promises, 'restore', 'CRC-64'),
  },
  {
    ...{ file: 'test/conformance/minio-store.test.ts', way: 'server' },
    suite: /^(?<cloud>\w+), a (?:MinIO )?server, .* keeps the promises of Store$/,
    proves: without(promises, 'restore', 'CRC-64'),
  },
  {
    ...{ file: 'test/conformance/minio-store.test.ts', way: 'server' },
    suite: /^(?<cloud>\w+), a server, is what its row says$/,
    proves: { 'odd names': /^odd names that|^names that/, 'errors': /^a HEAD is told|^a clock/ },
  },
  {
    ...{ file: 'test/conformance/versitygw-store.test.ts', way: 'server' },
    suite: /^(?<cloud>\w+), a Versity gateway keeps the promises of Store$/,
    proves: without(promises, 'restore', 'CRC-64'),
  },
  {
    ...{ file: 'test/conformance/clouds-words.test.ts', way: 'own' },
    suite: /^(?<cloud>\w+) is spoken to in its own words$/,
    proves: {
      signature: /^a wrong secret/,
      classes: /^every tier/,
      restore: /^a restore asks/,
      KMS: /^the key service/,
      errors: /^that it is asked too often|^a wrong secret/,
    },
  },
  {
    ...{ file: crc64Tests, way: 'vector', suite: none, clouds: withCrc64 },
    proves: { 'CRC-64': /^the check values of CRC-64\/XZ$/ },
  },
  {
    ...{ file: crc64Tests, way: 'vector', suite: none, clouds: ['AWS', 'Azure'] },
    proves: { 'CRC-64': /^the check values of CRC-64\/NVME/ },
  },
  {
    ...{ file: 'src/platform/stores/s3/relocation.test.ts', way: 'own', clouds: ['AWS'] },
    suite: /^a bucket in another region$/,
    proves: { 'wrong region': /^is found by a |^is looked for once/ },
  },
  {
    ...{ file: 'test/conformance/wrong-region.test.ts', way: 'own' },
    suite: /^(?<cloud>\w+), asked for a bucket of another region$/,
    proves: { 'wrong region': /./ },
  },
  {
    ...{ file: 'src/platform/stores/s3/relocation.test.ts', way: 'own', clouds: ['Aliyun'] },
    suite: /^a bucket in another region$/,
    proves: { 'wrong region': /^of OSS is found/ },
  },
];

/** What is not the same everywhere: conditions of puts, restores, key services. */
const oddities: readonly Claim[] = [
  {
    ...{ file: 'test/end-to-end/no-overwrite.test.ts', way: 'own' },
    suite: /^NO_OVERWRITE at (?<cloud>\w+), whose condition is /,
    proves: { put: /^what appears .*(?:small|medium)$/, parts: /^what appears .*large$/ },
  },
  {
    ...{ file: 'test/end-to-end/restore.test.ts', way: 'own', clouds: ['UCloud'] },
    suite: /^US3, which tells of an archived object/,
    proves: { restore: /./ },
  },
  {
    ...{ file: 'test/end-to-end/kms.test.ts', way: 'own', clouds: ['MinIO'] },
    suite: /^MinIO encrypts by a key server/,
    proves: { KMS: /./ },
  },
  {
    ...{ file: 'test/end-to-end/kms.test.ts', way: 'own', clouds: ['HuaweiCloud'] },
    suite: /^OBS encrypts by its key service over HTTPS only/,
    proves: { KMS: /./ },
  },
];

const sdks: readonly Claim[] = [
  {
    ...{ file: 'test/clouds/s3-faces.test.ts', way: 'SDK', proves: rides },
    suite: /^@aws-sdk\/client-s3 at (?<cloud>\w+) is served/,
  },
  ride('oss.test.ts', /^ali-oss, signature V4 /, 'Aliyun'),
  ride('cos.test.ts', /^cos-nodejs-sdk-v5 /, 'Tencent'),
  ride('obs.test.ts', /^esdk-obs-nodejs, signature v4 /, 'HuaweiCloud'),
  ride('bos.test.ts', /^@baiducloud\/sdk, /, 'Baidu'),
  ...kodo(),
];

/** What the vendor's SDK has put is read, and the other way round: Qiniu's own protocol is not ours. */
function kodo(): Claim[] {
  const shared = {
    file: 'test/clouds/qiniu-product.test.ts',
    way: 'SDK',
    clouds: ['Qiniu'],
  } as const;
  return [
    {
      ...{ ...shared, suite: /^what Kodo’s SDK has put is read$/ },
      proves: {
        'reads': /^under names|^in parts/,
        'odd names': /^under names/,
        'listing': /^under names/,
        'metadata': /^with metadata/,
        'classes': /^in the class/,
        'restore': /^once it has been restored/,
        'errors': /^by nobody/,
        'CDN': /^under names|^in parts|^with metadata|^once it/,
      },
    },
    {
      ...{ ...shared, suite: none },
      proves: {
        put: /^what we put Kodo’s SDK reads/,
        source: /^a task moves/,
        CDN: /^a task moves/,
      },
    },
    {
      ...{ file: 'test/conformance/cdn-store.test.ts', way: 'own', clouds: ['Qiniu'] },
      suite: /^Qiniu, read by Kodo’s own downloads keeps the promises of Store$/,
      proves: { CDN: /^a read|^a range|^pinned|^an object named|^an archived/ },
    },
  ];
}

const azure: readonly Claim[] = [
  {
    ...{ file: 'test/clouds/azure-store.test.ts', way: 'server', clouds: ['Azure'] },
    suite: /Azurite, .* keeps the promises of Store$/,
    proves: without(promises, 'restore', 'CRC-64'),
  },
  {
    ...{ file: 'test/clouds/azure-sdk.test.ts', way: 'SDK', clouds: ['Azure'] },
    suite: /^Microsoft’s own client and ours, at one container$/,
    proves: {
      'reads': /^a range is|^page and append blobs/,
      'odd names': /^the name /,
      'listing': /^the name /,
      'put': /^they read what describes|^bytes that do not match/,
      'parts': /^blocks of theirs|^an upload leaves/,
      'removal': /^names that are left/,
      'metadata': /describes what/,
      'classes': /describes what|^an upload leaves/,
    },
  },
  {
    ...{ file: 'test/faults/azure-replies.test.ts', way: 'own', clouds: ['Azure'] },
    suite: /^a restore$/,
    proves: { restore: /./ },
  },
  {
    ...{ file: 'test/faults/azure-replies.test.ts', way: 'own', clouds: ['Azure'] },
    suite: /^a copy within the account$/,
    proves: { copy: /./ },
  },
  {
    ...{ file: 'test/clouds/azure-signatures.test.ts', way: 'SDK', clouds: ['Azure'] },
    suite: /^Microsoft’s own/,
    proves: { 'CRC-64': /^sum bytes alike$/ },
  },
  {
    ...{ file: 'test/faults/azure-sums.test.ts', way: 'own', clouds: ['Azure'] },
    suite: /./,
    proves: { 'CRC-64': /^puts a part again/ },
  },
  {
    ...{ file: 'test/faults/azure-refusals.test.ts', way: 'own', clouds: ['Azure'] },
    suite: /^a refusal$/,
    proves: { errors: /./ },
  },
];

/** The types of each cloud's own. */
const cdnTypes: readonly (readonly [StoreDialect, string])[] = [
  ['Qiniu', 'QINIU'],
  ['Aliyun', 'ALIYUN_OSS'],
  ['KingsoftCloud', 'KSYUN'],
  ['Azure', 'AZURE_SAS'],
  ['Tencent', 'TENCENT_COS'],
];

const cdns: readonly Claim[] = [
  ...cdnTypes.map(([cloud, type]): Claim => {
    return {
      ...{ file: 'test/end-to-end/cdn.test.ts', way: 'own', clouds: [cloud] },
      suite: /^a task through a CDN/,
      proves: { CDN: new RegExp(`^${type}`) },
    };
  }),
  {
    ...{ file: 'test/clouds/cdn-signatures.test.ts', way: 'SDK' },
    suite: /^what signs for a CDN agrees/,
    proves: { CDN: /^(?<cloud>\w+)/ },
  },
  {
    ...{ file: 'src/platform/signing/cdn.test.ts', way: 'vector' },
    suite: /^the URL authentication of a CDN$/,
    proves: { CDN: /^is that of (?<cloud>\w+)'s documents/ },
  },
];

const tasks: readonly Claim[] = [
  {
    ...{ file: 'test/end-to-end/clouds.test.ts', way: 'own' },
    suite: /^a cloud as the source$/,
    proves: { source: /^(?<cloud>\w+): / },
  },
  {
    ...{ file: 'test/end-to-end/clouds.test.ts', way: 'own' },
    suite: /^a cloud as the destination$/,
    proves: { destination: /^(?<cloud>\w+): / },
  },
  {
    // An endpoint of nobody's own is taken for plain S3.
    ...{ file: 'test/end-to-end/ceph.test.ts', way: 'server', clouds: ['S3'] },
    suite: /^between two Ceph object gateways$/,
    proves: {
      source: /^objects of every size/,
      destination: /^objects of every size/,
      metadata: /^metadata and storage class/,
      errors: / fails as /,
    },
  },
  {
    ...{ file: 'test/end-to-end/minio.test.ts', way: 'server', clouds: ['MinIO'] },
    suite: /^between two MinIO servers$/,
    proves: {
      source: /^objects of every size/,
      destination: /^objects of every size/,
      metadata: /^metadata travel/,
      KMS: /is encrypted by the key|^a server without a key/,
      errors: / fails as /,
    },
  },
  {
    ...{ file: 'test/clouds/azure-task.test.ts', way: 'server', clouds: ['Azure'] },
    suite: /^a task between Azure and an S3 store$/,
    proves: {
      source: /^from Azure: /,
      destination: /^to Azure: /,
      classes: /^from Azure: /,
      restore: /^from Azure’s archive/,
      CDN: /^through a CDN, /,
    },
  },
];

/** All that is claimed. Tests that no claim names prove nothing here. */
export const claims: readonly Claim[] = [
  ...[...family, ...oddities, ...sdks, ...azure, ...signatures, ...cdns, ...tasks],
];

function without(proves: Claim['proves'], ...left: Ability[]): Claim['proves'] {
  return Object.fromEntries(
    Object.entries(proves).filter(([ability]) => !(left as string[]).includes(ability)),
  );
}

/** A test by its names. */
export interface TestName {
  /** From the root of the project. */
  readonly file: string;
  /** Empty for none. */
  readonly suite: string;
  readonly test: string;
}

/** The clouds of which a claim tells an ability by a test; none where it does not speak of it. */
export function cloudsOf(claim: Claim, ability: Ability, name: TestName): readonly StoreDialect[] {
  if (name.file !== claim.file) return [];
  const suite = claim.suite.exec(name.suite);
  const test = claim.proves[ability]?.exec(name.test);
  if (suite === null || test === undefined || test === null) return [];
  return claim.clouds ?? rowsOf(suite.groups?.['cloud'] ?? test.groups?.['cloud'] ?? '');
}

/** A row by its name, or those that a row of our server plays to clients of plain S3. */
function rowsOf(name: string): readonly StoreDialect[] {
  const row = clouds.find((cloud) => cloud === name);
  if (row !== undefined) return [row];
  return s3DialectNames.filter(
    (each) => playedClouds[each].server === name && s3Dialects[each].signature === 'aws-v4',
  );
}
