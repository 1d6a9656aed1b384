import type { Reply } from '../s3-server/call.ts';
import { bucketOf, json, type KodoCall, pathOf } from './call.ts';
import { KodoError } from './kodo-error.ts';

const DAY_S = 86_400;

/** The addresses of the services of a bucket: all run beside this one. */
export function regions(call: KodoCall): Reply {
  const { path, query } = pathOf(call);
  if (path !== '/v4/query') throw new KodoError('no such method');
  const asked = new URLSearchParams(query);
  if (asked.get('ak') !== call.service.cloud.accessKey.accessKeyId)
    throw new KodoError('bad token');
  bucketOf(call.service, asked.get('bucket') ?? '');
  const [, domain = ''] = /^[^.]+\.(.+)$/.exec(call.headers.host ?? '') ?? [];
  const at = (name: string) => ({ domains: [`${name}.${domain}`] });
  const names = ['uc', 'up', 'io', 'rs', 'rsf', 'api'];
  const services = Object.fromEntries(names.map((name) => [name, at(name)]));
  const s3 = { ...at('s3'), region_alias: 'cn-east-1' };
  return json({ hosts: [{ region: 'z0', ttl: DAY_S, ...services, s3 }] });
}
