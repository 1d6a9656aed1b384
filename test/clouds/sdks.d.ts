/*
 * What these tests call of the vendors' SDKs: most have no types of their own, and the project is
 * checked where none of them is installed.
 */

declare module 'ali-oss' {
  interface Options {
    readonly accessKeyId: string;
    readonly accessKeySecret: string;
    readonly bucket: string;
    readonly region: string;
    readonly endpoint: string;
    readonly authorizationV4?: boolean;
    readonly retryMax?: number;
  }
  interface Result {
    readonly res: { readonly headers: Readonly<Record<string, unknown>> };
  }
  interface Put {
    readonly mime?: string;
    readonly headers?: Readonly<Record<string, string>>;
  }
  export default class OSS {
    constructor(options: Options);
    put(key: string, content: Buffer, options?: Put): Promise<Result>;
    get(key: string): Promise<Result & { readonly content: Buffer }>;
    head(key: string): Promise<Result>;
    listV2(query: Readonly<Record<string, string>>): Promise<{
      readonly objects?: readonly { readonly name: string }[];
      readonly nextContinuationToken?: string | null;
    }>;
    delete(key: string): Promise<Result>;
    deleteMulti(keys: string[]): Promise<unknown>;
    copy(to: string, from: string): Promise<Result>;
    multipartUpload(
      key: string,
      content: Buffer,
      options: { readonly partSize: number },
    ): Promise<Result>;
    restore(
      key: string,
      options: { readonly type: string; readonly Days: number },
    ): Promise<Result>;
    signatureUrl(key: string, options: { readonly expires: number }): string;
    signatureUrlV4(
      method: string,
      seconds: number,
      request: undefined,
      key: string,
    ): Promise<string>;
  }
}

declare module 'cos-nodejs-sdk-v5' {
  interface Options {
    readonly SecretId: string;
    readonly SecretKey: string;
    readonly Domain: string;
    readonly Protocol: 'http:';
    readonly CopySourceParser?: (source: string) => object;
    readonly AutoSwitchHost?: boolean;
  }
  type Ask = Readonly<Record<string, unknown>>;
  interface Answer {
    readonly headers: Readonly<Record<string, string | undefined>>;
  }
  interface Page extends Answer {
    readonly Contents: readonly { readonly Key: string }[];
    readonly IsTruncated: string;
    readonly NextMarker?: string;
  }
  export default class COS {
    constructor(options: Options);
    static getAuthorization(options: Ask): string;
    putObject(ask: Ask): Promise<Answer>;
    getObject(ask: Ask): Promise<Answer & { readonly Body: Buffer }>;
    headObject(ask: Ask): Promise<Answer>;
    getBucket(ask: Ask): Promise<Page>;
    deleteObject(ask: Ask): Promise<Answer>;
    deleteMultipleObject(ask: Ask): Promise<Answer>;
    putObjectCopy(ask: Ask): Promise<Answer>;
    multipartInit(ask: Ask): Promise<Answer & { readonly UploadId: string }>;
    multipartUpload(ask: Ask): Promise<Answer & { readonly ETag: string }>;
    multipartComplete(ask: Ask): Promise<Answer>;
    restoreObject(ask: Ask): Promise<Answer>;
    getObjectUrl(ask: Ask): string;
  }
}

declare module 'esdk-obs-nodejs' {
  interface Options {
    readonly access_key_id: string;
    readonly secret_access_key: string;
    readonly server: string;
    readonly signature?: 'obs' | 'v2' | 'v4';
    readonly region?: string;
    readonly is_signature_negotiation?: boolean;
    readonly max_retry_count?: number;
  }
  type Ask = Readonly<Record<string, unknown>>;
  interface Answer<Result> {
    readonly CommonMsg: {
      readonly Status: number;
      readonly Code: string;
      readonly Message: string;
    };
    readonly InterfaceResult: Result;
  }
  interface Head {
    readonly ContentLength?: string;
    readonly ContentType?: string;
    readonly ETag?: string;
    readonly StorageClass?: string;
    readonly Restore?: string;
    readonly SseKms?: string;
    readonly Metadata?: Readonly<Record<string, string>>;
  }
  interface Page {
    readonly Contents: readonly { readonly Key: string }[];
    readonly IsTruncated: string;
    readonly NextMarker?: string;
  }
  export default class ObsClient {
    constructor(options: Options);
    putObject(ask: Ask): Promise<Answer<unknown>>;
    getObject(ask: Ask): Promise<Answer<{ readonly Content: NodeJS.ReadableStream }>>;
    getObjectMetadata(ask: Ask): Promise<Answer<Head>>;
    listObjects(ask: Ask): Promise<Answer<Page>>;
    deleteObject(ask: Ask): Promise<Answer<unknown>>;
    deleteObjects(ask: Ask): Promise<Answer<unknown>>;
    copyObject(ask: Ask): Promise<Answer<unknown>>;
    initiateMultipartUpload(ask: Ask): Promise<Answer<{ readonly UploadId: string }>>;
    uploadPart(ask: Ask): Promise<Answer<{ readonly ETag: string }>>;
    completeMultipartUpload(ask: Ask): Promise<Answer<unknown>>;
    restoreObject(ask: Ask): Promise<Answer<unknown>>;
    createSignedUrlSync(ask: Ask): { readonly SignedUrl: string };
    createV4SignedUrlSync(ask: Ask): { readonly SignedUrl: string };
    close(): void;
  }
}

declare module '@baiducloud/sdk' {
  type Ask = Readonly<Record<string, unknown>>;
  interface Answer<Body> {
    readonly http_headers: Readonly<Record<string, string | undefined>>;
    readonly body: Body;
  }
  interface Page {
    readonly contents: readonly { readonly key: string }[];
    readonly isTruncated: boolean;
    readonly nextMarker?: string;
  }
  export class BosClient {
    constructor(options: Ask);
    putObject(bucket: string, key: string, data: Buffer, options?: Ask): Promise<Answer<unknown>>;
    getObject(bucket: string, key: string): Promise<Answer<Buffer>>;
    getObjectMetadata(bucket: string, key: string): Promise<Answer<unknown>>;
    listObjects(bucket: string, options: Ask): Promise<Answer<Page>>;
    deleteObject(bucket: string, key: string): Promise<Answer<unknown>>;
    deleteMultipleObjects(bucket: string, keys: string[]): Promise<Answer<unknown>>;
    copyObject(
      bucket: string,
      key: string,
      toBucket: string,
      toKey: string,
    ): Promise<Answer<unknown>>;
    initiateMultipartUpload(
      bucket: string,
      key: string,
    ): Promise<Answer<{ readonly uploadId: string }>>;
    uploadPartFromFile(
      bucket: string,
      key: string,
      uploadId: string,
      number: number,
      size: number,
      file: string,
      offset: number,
    ): Promise<Answer<unknown>>;
    completeMultipartUpload(
      bucket: string,
      key: string,
      uploadId: string,
      parts: readonly { readonly partNumber: number; readonly eTag: string }[],
    ): Promise<Answer<unknown>>;
    restoreObject(bucket: string, key: string, options: Ask): Promise<Answer<unknown>>;
    generatePresignedUrl(bucket: string, key: string, at: number, seconds: number): string;
  }
}

declare module 'ks3' {
  type Ask = Readonly<Record<string, unknown>>;
  interface Response {
    readonly headers: Readonly<Record<string, string | undefined>>;
  }
  type Done = (error: unknown, text: string, response: Response, bytes: Buffer) => void;
  type Call = (ask: Ask, done: Done, headers?: Readonly<Record<string, string>>) => void;
  export default class KS3 {
    constructor(accessKeyId: string, secret: string, bucket: string);
    config(options: Ask): void;
    readonly object: {
      readonly put: Call;
      readonly get: Call;
      readonly head: Call;
      readonly headObject: Call;
      readonly del: Call;
      readonly multitpart_upload_init: Call;
      readonly upload_part: Call;
      readonly upload_complete: Call;
    };
    readonly bucket: { readonly get: Call; readonly listObjects: Call };
    readonly auth: {
      getQueryStringSignature(secret: string, expires: number, bucket: string, key: string): string;
    };
  }
}

declare module 'qingstor-sdk' {
  type Ask = Readonly<Record<string, unknown>>;
  interface Answer<Body> {
    readonly status: number;
    readonly headers: Readonly<Record<string, string | undefined>>;
    readonly data: Body;
  }
  interface Page {
    readonly keys: readonly { readonly key: string }[];
    readonly has_more: boolean;
    readonly next_marker: string;
  }
  export interface Bucket {
    putObject(key: string, ask: Ask): Promise<Answer<unknown>>;
    getObject(key: string, ask?: Ask): Promise<Answer<unknown>>;
    getObjectRequest(key: string, ask?: Ask): Signable;
    headObject(key: string, ask?: Ask): Promise<Answer<unknown>>;
    listObjects(ask: Ask): Promise<Answer<Page>>;
    deleteObject(key: string): Promise<Answer<unknown>>;
    deleteMultipleObjects(ask: Ask): Promise<Answer<unknown>>;
    initiateMultipartUpload(key: string, ask: Ask): Promise<Answer<{ readonly upload_id: string }>>;
    uploadMultipart(key: string, ask: Ask): Promise<Answer<unknown>>;
    completeMultipartUpload(key: string, ask: Ask): Promise<Answer<unknown>>;
  }
  interface Signable {
    signQuery(seconds: number): Promise<{ readonly operation: { readonly uri: string } }>;
  }
  interface Sdk {
    readonly Config: new (options: Ask) => object;
    readonly QingStor: new (config: object) => { Bucket(name: string, zone: string): Bucket };
  }
  const sdk: Sdk;
  export default sdk;
}

declare module 'qiniu' {
  interface Answer<Data = unknown> {
    readonly data: Data;
    readonly resp: { readonly statusCode: number };
  }
  interface Mac {
    readonly accessKey: string;
  }
  interface PutExtra {
    mimeType: string | null;
    partSize: number;
    metadata: Readonly<Record<string, string>>;
  }
  interface Stat {
    readonly fsize: number;
    readonly hash: string;
    readonly mimeType: string;
    readonly type: number;
    readonly putTime: number;
    readonly md5?: string;
    readonly restoreStatus?: number;
    readonly 'x-qn-meta'?: Readonly<Record<string, string>>;
  }
  interface Page {
    readonly items: readonly (Stat & { readonly key: string })[];
    readonly marker?: string;
    readonly commonPrefixes?: readonly string[];
  }
  export interface BucketManager {
    stat(bucket: string, key: string): Promise<Answer<Stat>>;
    delete(bucket: string, key: string): Promise<Answer>;
    copy(from: string, key: string, to: string, as: string, options: Ask): Promise<Answer>;
    move(from: string, key: string, to: string, as: string, options: Ask): Promise<Answer>;
    changeType(bucket: string, key: string, type: number): Promise<Answer>;
    restoreAr(entry: string, days: number): Promise<Answer>;
    listPrefix(bucket: string, options: Ask): Promise<Answer<Page>>;
    batch(operations: readonly string[]): Promise<Answer<readonly { readonly code: number }[]>>;
    privateDownloadUrl(domain: string, name: string, deadline: number): string;
  }
  interface Uploaded {
    readonly hash: string;
    readonly key: string;
  }
  type Ask = Readonly<Record<string, unknown>>;
  interface Sdk {
    readonly auth: { readonly digest: { readonly Mac: new (ak: string, sk: string) => Mac } };
    readonly conf: { readonly Config: new (options: Ask) => object };
    readonly httpc: {
      readonly Endpoint: new (host: string, options: Ask) => object;
      readonly StaticEndpointsProvider: new (endpoints: readonly object[]) => object;
    };
    readonly rs: {
      readonly BucketManager: new (mac: Mac, config: object) => BucketManager;
      readonly PutPolicy: new (policy: Ask) => { uploadToken(mac: Mac): string };
      deleteOp(bucket: string, key: string): string;
    };
    readonly form_up: {
      readonly FormUploader: new (
        config: object,
      ) => {
        put(token: string, key: string, body: Buffer, extra: PutExtra): Promise<Answer<Uploaded>>;
        putWithoutKey(token: string, body: Buffer, extra: PutExtra): Promise<Answer<Uploaded>>;
      };
      readonly PutExtra: new () => PutExtra;
    };
    readonly resume_up: {
      readonly ResumeUploader: new (
        config: object,
      ) => {
        putStreamV2(
          token: string,
          key: string,
          stream: NodeJS.ReadableStream,
          size: number,
          extra: PutExtra,
        ): Promise<Answer<Uploaded>>;
      };
      readonly PutExtra: { create(): PutExtra };
    };
    readonly util: { generateAccessToken(mac: Mac, url: string, body?: string): string };
  }
  const sdk: Sdk;
  export default sdk;
}
