import { parseArgs } from 'node:util';
import { moreThan, slowDown } from './faults.ts';
import { type DialectName, dialectNames, dialects } from './dialects.ts';
import { type AccessKey, startS3Server, testAccessKey } from './server.ts';

const USAGE = `usage: node main.ts [--port N] [--host HOST] [--bucket NAME]... [--access-key ID:SECRET]...
  [--dialect ${dialectNames.join('|')}]
  [--region NAME] [--virtual-host DOMAIN] [--sink] [--no-verify] [--fill BUCKET:COUNT:BYTES]...
  [--refuse METHOD:SHARE]... [--limit METHOD:REQUESTS_A_SECOND]... [--delay MS]`;

const { values } = parseArgs({
  options: {
    'port': { type: 'string', default: '0' },
    'host': { type: 'string', default: '127.0.0.1' },
    'bucket': { type: 'string', multiple: true, default: [] },
    'access-key': { type: 'string', multiple: true, default: [] },
    'dialect': { type: 'string', default: 's3' },
    'region': { type: 'string' },
    'virtual-host': { type: 'string' },
    'sink': { type: 'boolean', default: false },
    'no-verify': { type: 'boolean', default: false },
    'refuse': { type: 'string', multiple: true, default: [] },
    'limit': { type: 'string', multiple: true, default: [] },
    'delay': { type: 'string' },
    'fill': { type: 'string', multiple: true, default: [] },
  },
});

function mistake(text: string): never {
  console.error(`${text}\n${USAGE}`);
  process.exit(2);
}

function accessKey(text: string): AccessKey {
  const [accessKeyId, secretAccessKey] = text.split(':');
  return accessKeyId && secretAccessKey
    ? { accessKeyId, secretAccessKey }
    : mistake(`--access-key ${text}: not ID:SECRET`);
}

function isDialect(name: string): name is DialectName {
  return Object.hasOwn(dialects, name);
}

if (!isDialect(values.dialect)) mistake(`--dialect ${values.dialect}: there is no such dialect`);
const keys = values['access-key'].map(accessKey);
const { region, 'virtual-host': virtualHost } = values;
const server = await startS3Server({
  port: Number(values.port),
  host: values.host,
  buckets: values.bucket,
  accessKeys: keys.length > 0 ? keys : [testAccessKey],
  dialect: values.dialect,
  sink: values.sink,
  verify: !values['no-verify'],
  ...(virtualHost !== undefined && { virtualHost }),
  ...(region !== undefined && { region }),
});

for (const text of values.fill) {
  const [name = '', count, bytes] = text.split(':');
  const bucket = server.createBucket(name);
  for (let i = 0; i < Number(count); i++) {
    bucket.fill(`object-${String(i).padStart(8, '0')}`, Number(bytes));
  }
}

for (const text of values.refuse) {
  const [method = '', share] = text.split(':');
  const onlyIf = (): boolean => Math.random() < Number(share);
  server.faults.add({ ...slowDown, match: { method }, onlyIf });
}

for (const text of values.limit) {
  const [method = '', perSecond] = text.split(':');
  server.faults.add({ ...slowDown, match: { method }, onlyIf: moreThan(Number(perSecond)) });
}

if (values.delay !== undefined) {
  server.faults.add({ kind: 'delay', ms: Number(values.delay), times: Infinity });
}

process.once('SIGTERM', () => void server.close());
process.once('SIGINT', () => void server.close());
const { url, port, accessKey: first } = server;
console.log(JSON.stringify({ url, port, accessKeyId: first.accessKeyId, pid: process.pid }));
