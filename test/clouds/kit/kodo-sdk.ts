import { get, type IncomingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import qiniu, { type BucketManager } from 'qiniu';
import { type KodoServer, startKodoServer } from '../../kit/kodo-server/server.ts';
import type { S3Server } from '../../kit/s3-server/server.ts';
import { domainAt } from './route-to-localhost.ts';

/** What the SDK was answered that did not refuse: a status is no failure to it. */
export class KodoRefusal extends Error {
  override readonly name = 'KodoRefusal';
  readonly status: number;
  readonly words: unknown;

  constructor(status: number, data: unknown) {
    super(`${status} ${JSON.stringify(data)}`);
    this.status = status;
    this.words = (data as { readonly error?: unknown } | null)?.error;
  }
}

interface Answer<Data> {
  readonly data: Data;
  readonly resp: { readonly statusCode: number };
}

/** @throws {KodoRefusal} */
export async function accepted<Data>(asked: Promise<Answer<Data>>): Promise<Data> {
  const { data, resp } = await asked;
  if (resp.statusCode === 200) return data;
  throw new KodoRefusal(resp.statusCode, data);
}

/** What a put policy may say beside the scope. */
export type Policy = Readonly<Record<string, unknown>>;

/** What an upload may bring. */
export interface UploadExtras {
  readonly mimeType?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly partSize?: number;
  readonly policy?: Policy;
}

/** The vendor's SDK, unmodified, connected to the test server. */
export interface Kodo {
  readonly manager: BucketManager;
  readonly mac: { readonly accessKey: string };
  /** Scheme and host of one of the services. */
  at(service: string): string;
  token(policy: Policy): string;
  /** By a form. */
  put(key: string, bytes: Buffer, extras?: UploadExtras): Promise<{ readonly hash: string }>;
  /** By version 2 of uploads in parts. */
  putParts(key: string, bytes: Buffer, extras: UploadExtras): Promise<{ readonly hash: string }>;
  /** Scheme, host, port, path, and token. */
  downloadUrl(key: string, deadline?: number): string;
}

export const bucket = 'example-bucket';

export function startKodo(cloud: S3Server, bound = bucket): Promise<KodoServer> {
  return startKodoServer({ cloud, bound });
}

export function openKodo(server: S3Server, secret: string, port: number, scope = bucket): Kodo {
  const mac = new qiniu.auth.digest.Mac(server.accessKey.accessKeyId, secret);
  const domain = domainAt(port);
  const { Endpoint, StaticEndpointsProvider } = qiniu.httpc;
  const config = new qiniu.conf.Config({
    ucEndpointsProvider: new StaticEndpointsProvider([
      new Endpoint(`uc.${domain}`, { defaultScheme: 'http' }),
    ]),
    // The SDK would write a cache file for later clients.
    regionsQueryResultCachePath: null,
  });
  const manager = new qiniu.rs.BucketManager(mac, config);
  const token = (policy: Policy): string => new qiniu.rs.PutPolicy(policy).uploadToken(mac);
  const tokenFor = (key: string, policy: Policy = {}): string =>
    token({ scope: `${scope}:${key}`, ...policy });
  return {
    ...{ manager, mac, token },
    at: (service) => `http://${service}.${domain}`,
    put(key, bytes, { mimeType = null, metadata = {}, policy } = {}) {
      const extra = Object.assign(new qiniu.form_up.PutExtra(), { mimeType, metadata });
      const uploader = new qiniu.form_up.FormUploader(config);
      return accepted(uploader.put(tokenFor(key, policy), key, bytes, extra));
    },
    putParts(key, bytes, { mimeType = null, metadata = {}, partSize = 4 << 20, policy }) {
      const made = { mimeType, metadata, partSize };
      const extra = Object.assign(qiniu.resume_up.PutExtra.create(), made);
      const uploader = new qiniu.resume_up.ResumeUploader(config);
      const size = bytes.length;
      const stream = Readable.from([bytes], { objectMode: false });
      return accepted(uploader.putStreamV2(tokenFor(key, policy), key, stream, size, extra));
    },
    downloadUrl(key, deadline = Math.floor(Date.now() / 1000) + 600) {
      // "The name must be URL-encoded": by itself the SDK leaves what URLs have a meaning for.
      const path = encodeURIComponent(key).replaceAll('%2F', '/');
      return manager.privateDownloadUrl(`http://files.${domain}:${port}`, path, deadline);
    },
  };
}

export interface Download {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

/** Asks for a URL as it is, dots and slashes too, which fetch would put in order. */
export function download(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Download> {
  const { hostname, port, host } = new URL(url);
  const path = url.slice(url.indexOf(host) + host.length);
  return new Promise((resolve, reject) => {
    get({ hostname, port, path, headers }, (response) => {
      const { statusCode: status = 0 } = response;
      const told = { status, headers: response.headers };
      buffer(response).then((bytes) => resolve({ ...told, bytes }), reject);
    }).on('error', reject);
  });
}
