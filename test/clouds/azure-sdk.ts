import { createRequire } from 'node:module';

/** What the tests use of @azure/storage-blob: Microsoft's own client, where it is installed. */
export interface AzureSdk {
  readonly StorageSharedKeyCredential: new (account: string, key: string) => SdkCredential;
  readonly ContainerClient: new (url: string, credential: SdkCredential) => SdkContainer;
  readonly ContainerSASPermissions: { parse(text: string): unknown };
  readonly BlobSASPermissions: { parse(text: string): unknown };
  readonly AccountSASPermissions: { parse(text: string): unknown };
  generateBlobSASQueryParameters(
    values: Readonly<Record<string, unknown>>,
    credential: SdkCredential,
  ): { toString(): string };
  generateAccountSASQueryParameters(
    values: Readonly<Record<string, unknown>>,
    credential: SdkCredential,
  ): { toString(): string };
}

export interface SdkCredential {
  create(
    next: { sendRequest(request: SdkRequest): Promise<SdkRequest> },
    options: object,
  ): { sendRequest(request: SdkRequest): Promise<SdkRequest> };
}

export interface SdkRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: SdkHeaders;
  readonly body?: string | undefined;
}

export interface SdkHeaders {
  get(name: string): string | undefined;
  set(name: string, value: string): void;
  headersArray(): { name: string; value: string }[];
}

export interface SdkContainer {
  getBlockBlobClient(name: string): SdkBlob;
  getPageBlobClient(name: string): SdkPageBlob;
  getAppendBlobClient(name: string): SdkAppendBlob;
  listBlobsFlat(options: { prefix: string }): AsyncIterable<{ readonly name: string }>;
}

interface SdkProperties {
  readonly etag?: string;
  readonly contentType?: string;
  readonly contentLanguage?: string;
  readonly contentMD5?: Uint8Array;
  readonly accessTier?: string;
  readonly blobType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface SdkBlob {
  upload(content: string, length: number, options?: object): Promise<unknown>;
  stageBlock(id: string, content: string, length: number): Promise<unknown>;
  commitBlockList(ids: readonly string[], options?: object): Promise<unknown>;
  getBlockList(kind: 'all'): Promise<{
    readonly committedBlocks?: readonly { readonly name: string; readonly size: number }[];
    readonly uncommittedBlocks?: readonly { readonly name: string; readonly size: number }[];
  }>;
  setAccessTier(tier: string): Promise<unknown>;
  getProperties(): Promise<SdkProperties>;
  downloadToBuffer(): Promise<Buffer>;
}

interface SdkPageBlob {
  create(size: number): Promise<unknown>;
  uploadPages(content: Uint8Array, offset: number, count: number): Promise<unknown>;
}

interface SdkAppendBlob {
  create(): Promise<unknown>;
  appendBlock(content: string, length: number): Promise<unknown>;
}

/** Of @azure/storage-common, which comes with it: a sum in the form of a header's bytes. */
export interface SdkCrc64 {
  append(bytes: Uint8Array, length: number): void;
  final(bytes: Uint8Array, length: number): Uint8Array;
}

const require = createRequire(import.meta.url);

/** Undefined if it is not installed. It is not a dependency of the project, so its types are not available. */
export function azureSdk(): AzureSdk | undefined {
  try {
    return require('@azure/storage-blob') as AzureSdk;
  } catch {
    return undefined;
  }
}

/** Makes sums as Microsoft's own client does; undefined where it is not installed. */
export async function azureSdkCrc64(): Promise<(() => SdkCrc64) | undefined> {
  try {
    const ofTheirs = createRequire(require.resolve('@azure/storage-blob'));
    const common = ofTheirs('@azure/storage-common') as {
      readonly StorageCRC64Calculator: { init(): Promise<void>; new (): SdkCrc64 };
    };
    await common.StorageCRC64Calculator.init();
    return () => new common.StorageCRC64Calculator();
  } catch {
    return undefined;
  }
}
