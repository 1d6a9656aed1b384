import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Call, Elsewhere, Reply, Service } from './call.ts';
import type { Face } from './dialect.ts';
import { writtenFor } from './documents.ts';
import { faceOf, headersByFace, headersByS3, queryByS3 } from './face.ts';
import { delayed, type FaultKind, type Faults } from './faults.ts';
import { chooseOperation, type Operation } from './operations.ts';
import { decode, parseQuery } from './query.ts';
import type { RequestCounters } from './request-counters.ts';
import { checkKey, keyOf } from './names.ts';
import { ClientGone, type S3Code, S3Error } from './s3-error.ts';
import type { Scheme } from './schemes.ts';
import { resetConnection, send } from './send.ts';
import type { Signed } from './signed.ts';
import { errorDocument } from './xml.ts';

interface FrontParts {
  readonly service: Service;
  readonly faults: Faults;
  readonly requests: RequestCounters;
  readonly domains: readonly string[];
}

type Arrival = Pick<Call, 'request' | 'requestId' | 'welcomeBody'>;

/** Where requests come in and replies go out. */
export class Front {
  readonly #parts: FrontParts;

  constructor(parts: FrontParts) {
    this.#parts = parts;
  }

  receive(request: IncomingMessage, response: ServerResponse, welcomeBody: () => void): void {
    const requestId = this.#parts.service.nextId();
    // Both sides may vanish at any time; that is no failure of the server.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    this.#serve({ request, requestId, welcomeBody }, response).catch((error: unknown) => {
      if (!(error instanceof ClientGone)) console.error(error);
      response.destroy();
    });
  }

  async #serve(arrival: Arrival, response: ServerResponse): Promise<void> {
    const { service, requests, faults } = this.#parts;
    const { request, requestId } = arrival;
    let [face] = service.dialect.faces;
    let fault: FaultKind | undefined;
    let reply: Reply;
    try {
      const query = parseQuery(queryText(request));
      const chosen = faceOf(service.dialect, { headers: request.headers, query });
      face = chosen.face;
      const call = parseCall(this.#parts, arrival, face, query);
      const { operation, handle } = chooseOperation(call);
      requests.add(operation);
      fault = faults.strike({ operation, method: call.method, key: call.key });
      await delayed(fault);
      const instead = fault && (await fail(call, response, fault));
      if (instead === 'gone') return;
      if (instead === undefined) admit(call, operation, chosen.scheme);
      reply = instead ?? (await handle(call));
    } catch (error) {
      reply = refusal(error, face, arrival);
    }
    const common = {
      'x-amz-request-id': requestId,
      'date': new Date(service.now()).toUTCString(),
    };
    await send(response, writtenFor(face, reply), {
      common: headersByFace(face, common),
      head: request.method === 'HEAD',
      fault,
    });
  }
}

function queryText({ url = '/' }: IncomingMessage): string {
  const mark = url.indexOf('?');
  return mark < 0 ? '' : url.slice(mark + 1);
}

function parseCall(
  { service, domains }: FrontParts,
  arrival: Arrival,
  face: Face,
  query: ReadonlyMap<string, string>,
): Call {
  const { request } = arrival;
  const { url = '/', method = 'GET', headers } = request;
  const mark = url.indexOf('?');
  const rawPath = mark < 0 ? url : url.slice(0, mark);
  const place = address(request, rawPath.slice(versionLength(face, rawPath)), domains);
  checkPlace(service, place);
  const rawQuery = mark < 0 ? '' : url.slice(mark + 1);
  const { inHost, bucketName } = place;
  const key = keyOf(place.key, service.dialect.keys);
  const signed: Signed = { method, headers, rawPath, rawQuery, query, inHost, bucketName, key };
  // Field by field: spreading costs more than all the rest here.
  return {
    request,
    requestId: arrival.requestId,
    welcomeBody: arrival.welcomeBody,
    service,
    signed,
    face,
    method,
    headers: headersByS3(face, headers),
    query: queryByS3(face, query),
    bucketName,
    key,
    chunkSeal: undefined,
  };
}

/** The length of a version that the path begins with, where the face has one. */
function versionLength({ version }: Face, rawPath: string): number {
  return version !== undefined && `${rawPath}/`.startsWith(`/${version}/`) ? version.length + 1 : 0;
}

type Place = Pick<Signed, 'inHost' | 'bucketName' | 'key'>;

/** The bucket in the host or first in the path, and the key. */
function address(request: IncomingMessage, path: string, domains: readonly string[]): Place {
  const host = hostOf(request);
  const domain = domains.find((each) => host.endsWith(`.${each}`));
  if (domain !== undefined) {
    const bucketName = host.slice(0, -domain.length - 1);
    return { inHost: true, bucketName, key: decode(path.slice(1)) };
  }
  const slash = path.indexOf('/', 1);
  return slash < 0
    ? { inHost: false, bucketName: decode(path.slice(1)), key: '' }
    : {
        inHost: false,
        bucketName: decode(path.slice(1, slash)),
        key: decode(path.slice(slash + 1)),
      };
}

/** Without the port. */
function hostOf({ headers }: IncomingMessage): string {
  return headers.host?.replace(/:\d+$/, '') ?? '';
}

/** @throws {S3Error} when no object can be there. */
function checkPlace({ dialect }: Service, { inHost, bucketName, key }: Place): void {
  if (!dialect.pathStyle && !inHost && bucketName !== '') {
    throw new S3Error('SecondLevelDomainForbidden', 'Please use virtual hosted style to access.');
  }
  checkKey(key, dialect.keys);
}

/** Refuses a request that is sent to the wrong endpoint or has no valid credentials. */
function admit(call: Call, operation: Operation, scheme: Scheme): void {
  const { service, bucketName } = call;
  const elsewhere = service.elsewhere.get(bucketName);
  if (elsewhere !== undefined) sendAway(call, elsewhere);
  // Clients send this request before they know how to sign.
  if (operation === 'HeadApiVersion' && service.dialect.apiVersion !== undefined) return;
  if (service.verify) call.chunkSeal = scheme.verify(call.signed, service);
  checkToken(call);
}

const tokenHeader = /^x-(?:amz|bce|cos|kss|obs|oss)-security-token$/;

/** Checks that the request has the session token of its key. */
function checkToken({ service, signed }: Call): void {
  const { sessionToken, dialect } = service;
  if (sessionToken === undefined) return;
  const name = Object.keys(signed.headers).find((each) => tokenHeader.test(each));
  if (name === undefined || signed.headers[name] !== sessionToken) {
    throw new S3Error(dialect.badToken);
  }
}

/** Refuses a request that is not sent to the bucket's own endpoint, with the details that the cloud reports. */
function sendAway(call: Call, { region, endpoint }: Elsewhere): void {
  const { request, bucketName, signed } = call;
  const host = hostOf(request);
  if ([endpoint, `${bucketName}.${endpoint}`].includes(host)) return;
  const { code, tells } = call.service.dialect.elsewhere;
  const url = `http://${signed.inHost ? `${bucketName}.` : ''}${endpoint}${request.url ?? ''}`;
  throw new S3Error(
    code,
    'The bucket you are attempting to access must be addressed using the specified endpoint.',
    {
      ...(tells.includes('region') && { 'x-amz-bucket-region': region }),
      ...(tells.includes('location') && { location: url }),
    },
    tells.includes('endpoint') ? { Endpoint: endpoint, Bucket: bucketName } : {},
  );
}

/** Performs a fault before the operation: sends another answer, or closes the connection. */
async function fail(
  { request, welcomeBody, requestId, signed }: Call,
  response: ServerResponse,
  fault: FaultKind,
): Promise<Reply | 'gone' | undefined> {
  if (fault.kind === 'reset') {
    if (fault.when === 'after-body') await drain(request, welcomeBody);
    resetConnection(response);
    return 'gone';
  }
  if (fault.kind !== 'status' && fault.kind !== 'error-in-200') return undefined;
  await drain(request, welcomeBody);
  const body = errorDocument(fault.code, fault.code, { resource: signed.rawPath, requestId });
  if (fault.kind === 'error-in-200') return { status: 200, body };
  const { retryAfter } = fault;
  const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
  return { status: fault.status, headers, body };
}

async function drain(request: IncomingMessage, welcomeBody: () => void): Promise<void> {
  welcomeBody();
  await new Promise<void>((resolve) => {
    request.once('end', resolve);
    request.once('close', resolve);
    request.resume();
  });
}

function refusal(error: unknown, face: Face, { request, requestId }: Arrival): Reply {
  if (error instanceof ClientGone) throw error;
  if (!(error instanceof S3Error)) console.error(error);
  const known = error instanceof S3Error ? error : new S3Error('InternalError', String(error));
  const { code, message, status, headers, details } = known;
  const about = { resource: request.url ?? '', requestId, details };
  const body = errorDocument(face.codes?.[code] ?? code, message, about);
  const told = request.method === 'HEAD' ? errorHeaders(face, code, body) : {};
  return { status, headers: { ...headers, ...told }, body };
}

/** The headers that describe a refusal in the answer to a HEAD, which has no body. */
function errorHeaders(face: Face, code: S3Code, body: string): Record<string, string> {
  const { repeatsErrors, codeHeader, codes } = face;
  return {
    ...(repeatsErrors === true && { 'x-amz-err': Buffer.from(body).toString('base64') }),
    ...(codeHeader !== undefined && { [codeHeader]: codes?.[code] ?? code }),
  };
}
