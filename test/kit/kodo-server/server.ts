import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Reply } from '../s3-server/call.ts';
import { S3Error } from '../s3-server/s3-error.ts';
import { send } from '../s3-server/send.ts';
import type { KodoCall, KodoManners, KodoService } from './call.ts';
import { json, pathOf } from './call.ts';
import { download } from './downloads.ts';
import { formUpload } from './form-upload.ts';
import { KodoError } from './kodo-error.ts';
import { list } from './listing.ts';
import { manage } from './objects.ts';
import { multipart } from './parts.ts';
import { regions } from './regions.ts';

export interface KodoServerOptions extends Pick<KodoService, 'cloud' | 'bound'> {
  /** Milliseconds since the Unix epoch; the machine's clock by default. */
  readonly now?: () => number;
}

/** A running server. Disposing of it closes it, with every connection. */
export interface KodoServer extends AsyncDisposable {
  readonly port: number;
  readonly manners: KodoManners;
  /** The requests in their order: service, method and path. */
  readonly asked: readonly string[];
}

type Handler = (call: KodoCall) => Reply | Promise<Reply>;

/** By the first label of the host: `rs.…`. Any other host is a domain for downloads. */
const services: Readonly<Record<string, Handler>> = {
  uc: regions,
  up: (call) => (pathOf(call).path === '/' ? formUpload(call) : multipart(call)),
  rs: manage,
  rsf: list,
};

/**
 * Starts a server that speaks Kodo's own protocol and uses the buckets of a server that plays its S3 API: what is put
 * with one can be read with the other. It supports the vendor's SDK for objects, and checks every token.
 */
export async function startKodoServer(options: KodoServerOptions): Promise<KodoServer> {
  const { cloud, bound, now = Date.now } = options;
  const manners: KodoManners = { throttles: 0, ownNames: false };
  const asked: string[] = [];
  const service: KodoService = { cloud, bound, uploads: new Map(), manners, now };
  let requests = 0;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request;
    const { host = '' } = headers;
    const [label = ''] = host.split('.');
    const handle = services[label] ?? download;
    const body = await buffer(request);
    const call: KodoCall = { service, method, origin: `http://${host}`, url, headers, body };
    asked.push(`${handle === download ? 'io' : label} ${method} ${pathOf(call).path}`);
    const common = {
      'date': new Date(now()).toUTCString(),
      'x-reqid': String((requests += 1)),
    };
    const reply = await answer(handle, call);
    await send(response, reply, { common, head: method === 'HEAD', fault: undefined });
  }

  const server = createServer({ maxHeaderSize: 64 * 1024 }, (request, response) => {
    serve(request, response).catch((error: unknown) => {
      // Who went away needs no answer.
      if (!request.destroyed) console.error(error);
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // It listens on TCP.
  return {
    ...{ port, manners, asked },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(handle: Handler, call: KodoCall): Promise<Reply> {
  try {
    return await handle(call);
  } catch (error) {
    const refusal = error instanceof KodoError || error instanceof S3Error;
    if (!refusal) console.error(error);
    return json(
      { error: String(error instanceof Error ? error.message : error) },
      refusal ? error.status : 599,
    );
  }
}
