import { startChild, startProgram, type Child } from './child-process.ts';
import { OmsClient } from './oms-client.ts';
import type { S3Process } from './s3-process.ts';

/** The service as a user starts it, in a separate process. */
export interface ServiceProcess extends AsyncDisposable {
  readonly child: Child;
  readonly client: OmsClient;
  readonly url: string;
}

export const TOKEN = 'a-token-for-unattended-starts';

/**
 * Starts the service on a data directory, and waits until it serves.
 *
 * @param openFiles How many files and sockets it may have open; the machine's limit by default.
 * @param nodeFlags More flags for Node, such as those of a profile.
 */
export async function startServiceProcess(
  dataDir: string,
  environment: Readonly<Record<string, string>> = {},
  openFiles?: number,
  nodeFlags: readonly string[] = [],
): Promise<ServiceProcess> {
  const main = new URL('../../src/surface/cli/brigade.js', import.meta.url);
  const settings = {
    BRIGADE_DATA_DIR: dataDir,
    BRIGADE_PORT: '0',
    BRIGADE_ALLOW_ENDPOINTS: '127.0.0.1',
    BRIGADE_BOOTSTRAP_TOKEN: TOKEN,
    BRIGADE_LOG_LEVEL: 'warn',
    ...environment,
  };
  // As `npm start` does.
  const flags = ['--max-semi-space-size=8', ...nodeFlags];
  const limited = ['/bin/sh', '-c', `ulimit -n ${openFiles}; exec "$0" "$@"`, process.execPath];
  const child =
    openFiles === undefined
      ? startChild(main, ['serve'], settings, flags)
      : startProgram([...limited, ...flags, main.pathname, 'serve'], settings);
  const [, url = ''] = await child.line(/Health\s+(http\S+?)\/healthz/);
  await child.line(/Ctrl-C/);
  // A process without the API prints none.
  const [, projectId = ''] = /Project\s+(\w+)/.exec(child.output()) ?? [];
  return {
    child,
    url,
    client: new OmsClient({ url, projectId, token: TOKEN }),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

type BucketPlace = Pick<S3Process, 'url' | 'bucket' | 'accessKeyId' | 'secretAccessKey'>;

/** The body that creates a task between two servers, by their addresses. */
export function taskBetweenProcesses(
  source: BucketPlace,
  target: BucketPlace,
): Record<string, unknown> {
  return {
    src_cloud_type: 'AWS',
    src_region: 'us-east-1',
    src_bucket: source.bucket,
    src_endpoint: source.url,
    src_ak: source.accessKeyId,
    src_sk: source.secretAccessKey,
    dst_cloud_type: 'AWS',
    dst_region: 'us-east-1',
    dst_bucket: target.bucket,
    dst_endpoint: target.url,
    dst_ak: target.accessKeyId,
    dst_sk: target.secretAccessKey,
  };
}
