import { createHash } from 'node:crypto';
import {
  GetObjectCommand,
  type GetObjectCommandInput,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandInput,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
  type PutObjectCommandInput,
  type PutObjectCommandOutput,
  S3Client,
  type S3ClientConfig,
  S3ServiceException,
} from '@aws-sdk/client-s3';

/** The keys of the account that a probe uses. */
export interface ProbeKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What a check found when it did not fail: all of it, or a part. */
export interface Finding {
  readonly outcome: 'ok' | 'partial';
  readonly note: string;
}

/** Passes by returning; says why it failed by throwing. */
export type Check = (bench: Bench) => Promise<Finding | undefined>;

/** Checks with their names, in the order in which they must run: some use the objects that others left. */
export type Checks = Readonly<Record<string, Check>>;

export function ok(note: string): Finding {
  return { outcome: 'ok', note };
}

/** Partial when there are complaints, else passed. */
export function unless(complaints: readonly (string | false | undefined)[]): Finding | undefined {
  const notes = complaints.filter((each) => typeof each === 'string');
  return notes.length === 0 ? undefined : { outcome: 'partial', note: notes.join('; ') };
}

export interface Listed {
  readonly keys: string[];
  readonly prefixes: string[];
  readonly pages: number;
}

type Extra<T> = Partial<Omit<T, 'Bucket' | 'Key' | 'Body'>>;

const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // The checks judge what happens; the SDK's remarks are not needed.
}

const PAGES_MAX = 1000;

/** What the checks share: the official client, a bucket, and short ways to use them. */
export class Bench implements Disposable {
  readonly endpoint: string;
  readonly keys: ProbeKeys;
  readonly bucket: string;
  /** Adds no checksums of its own. */
  readonly client: S3Client;
  /** As the SDK comes: with trailing checksums. */
  readonly checkingClient: S3Client;
  /** Left by one check for the next. */
  readonly notes = new Map<string, string>();

  constructor(endpoint: string, keys: ProbeKeys) {
    this.endpoint = endpoint;
    this.keys = keys;
    this.bucket = `probe-${Date.now().toString(36)}`;
    this.client = this.makeClient();
    this.checkingClient = this.makeClient({
      requestChecksumCalculation: 'WHEN_SUPPORTED',
      responseChecksumValidation: 'WHEN_SUPPORTED',
    });
  }

  makeClient(config: S3ClientConfig = {}): S3Client {
    return new S3Client({
      endpoint: this.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: this.keys,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      logger: silent,
      requestHandler: { requestTimeout: 20_000, connectionTimeout: 3000 },
      ...config,
    });
  }

  put(
    key: string,
    body: NonNullable<PutObjectCommandInput['Body']>,
    extra: Extra<PutObjectCommandInput> = {},
    client = this.client,
  ): Promise<PutObjectCommandOutput> {
    return client.send(
      new PutObjectCommand({ Bucket: this.bucket, Key: key, Body: body, ...extra }),
    );
  }

  head(key: string, extra: Extra<HeadObjectCommandInput> = {}): Promise<HeadObjectCommandOutput> {
    return this.client.send(new HeadObjectCommand({ Bucket: this.bucket, Key: key, ...extra }));
  }

  async get(
    key: string,
    extra: Extra<GetObjectCommandInput> = {},
    client = this.client,
  ): Promise<GetObjectCommandOutput & { readonly bytes: Buffer }> {
    const output = await client.send(
      new GetObjectCommand({ Bucket: this.bucket, Key: key, ...extra }),
    );
    const body = await output.Body?.transformToByteArray();
    return { ...output, bytes: body === undefined ? Buffer.alloc(0) : Buffer.from(body) };
  }

  /** All pages. */
  async listAll(extra: Extra<ListObjectsV2CommandInput> = {}): Promise<Listed> {
    const listed = { keys: [] as string[], prefixes: [] as string[], pages: 0 };
    let token: string | undefined;
    do {
      const page = await this.client.send(
        new ListObjectsV2Command({ Bucket: this.bucket, ContinuationToken: token, ...extra }),
      );
      listed.pages += 1;
      listed.keys.push(...(page.Contents ?? []).map((entry) => entry.Key ?? ''));
      listed.prefixes.push(...(page.CommonPrefixes ?? []).map((each) => each.Prefix ?? ''));
      token = page.NextContinuationToken;
      if (page.IsTruncated === true && token === undefined) throw new Error('no token to go on');
      if (listed.pages > PAGES_MAX) throw new Error('endless pages');
    } while (token !== undefined);
    return listed;
  }

  [Symbol.dispose](): void {
    this.client.destroy();
    this.checkingClient.destroy();
  }
}

/** @throws {Error} unless the request is refused with one of these codes or statuses. */
export async function refused(
  request: Promise<unknown>,
  ...wanted: (string | number)[]
): Promise<undefined> {
  try {
    await request;
  } catch (error) {
    const codes =
      error instanceof S3ServiceException ? [error.name, error.$metadata.httpStatusCode] : [];
    if (codes.some((code) => code !== undefined && wanted.includes(code))) return undefined;
    throw new Error(`wanted ${wanted.join(' or ')}, got ${summary(error)}`, { cause: error });
  }
  throw new Error(`no error, wanted ${wanted.join(' or ')}`);
}

/** @throws {Error} unless both are the same value. */
export function same(actual: unknown, expected: unknown, what: string): void {
  if (actual === expected) return;
  throw new Error(`${what}: got ${JSON.stringify(actual)}, want ${JSON.stringify(expected)}`);
}

/** One line about a failure. */
export function summary(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const status = error instanceof S3ServiceException ? ` (${error.$metadata.httpStatusCode})` : '';
  return `${error.name}${status}: ${error.message.slice(0, 160).replace(/\s+/g, ' ')}`;
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

/** An ETag that nothing has. */
export const otherEtag = `"${'0'.repeat(32)}"`;

/** Bytes that several checks use. */
export const sample = Buffer.from('hello world '.repeat(100));
