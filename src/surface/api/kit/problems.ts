import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { alreadyLogged, DatabaseError } from '../../../platform/postgres/db-error.ts';
import { type Problem, ServiceError } from '../../../domain/service-error.ts';
import { detailOfRequest, nameFields } from './neutral-names.ts';
import type { Refusal } from './observation.ts';
import { RequestError, type RequestProblem } from './request-error.ts';
import { noteOnIgnored } from './unknown-fields.ts';

/** How a refusal looks outside. */
interface Answer {
  readonly status: number;
  readonly code: string;
  /** The text of `error_msg`; undefined where the error's own message says it better. */
  readonly message?: string;
  readonly retryAfterSeconds?: number;
}

interface ProblemBody {
  readonly error_code: string;
  readonly error_msg: string;
  readonly error_detail?: string;
  readonly request_id?: string;
}

const requestProblems: Record<RequestProblem, Answer> = {
  'no-such-route': {
    status: 404,
    code: 'APIGW.0101',
    message: 'The API does not exist or has not been published',
  },
  'unauthenticated': {
    status: 401,
    code: 'APIGW.0301',
    message: 'Incorrect IAM authentication information',
  },
  'body-too-large': { status: 413, code: 'APIGW.0201', message: 'Request entity too large' },
  'url-too-long': { status: 414, code: 'APIGW.0201', message: 'Request URI too long' },
  'bad-http': { status: 400, code: 'APIGW.0201', message: 'Bad request' },
  'too-many-requests': {
    status: 429,
    code: 'APIGW.0308',
    message: 'The throttling threshold has been reached',
  },
  'not-allowed': { status: 403, code: 'OMS.0072', message: 'Insufficient permissions.' },
  'missing-parameter': { status: 400, code: 'OMS.1004', message: 'A parameter is missing.' },
  'wrong-type': { status: 400, code: 'OMS.1002', message: 'A parameter has a wrong type.' },
  'invalid-parameter': { status: 400, code: 'OMS.0064', message: 'Invalid request parameters.' },
  'forbidden-characters': {
    status: 400,
    code: 'OMS.0078',
    message: 'The description contains characters that are not allowed.',
  },
  'not-json': { status: 400, code: 'OMS.0067', message: 'The request body is not JSON.' },
  'wrong-media-type': { status: 400, code: 'OMS.0067', message: 'The request body is not JSON.' },
};

const problems: Record<Problem, Answer> = {
  'unknown-task': { status: 404, code: 'OMS.1009' },
  'task-running': { status: 400, code: 'OMS.0063' },
  'task-already-started': { status: 400, code: 'OMS.0065' },
  'task-not-running': { status: 400, code: 'OMS.0066' },
  'too-many-tasks': { status: 400, code: 'OMS.1021' },
  'invalid-request': { status: 400, code: 'OMS.0064' },
  'endpoint-unknown': { status: 400, code: 'OMS.0064' },
  'endpoint-refused': { status: 400, code: 'OMS.0064' },
  'not-supported': { status: 400, code: 'OMS.0064' },
  'source-refused': { status: 400, code: 'OMS.1014' },
  'target-refused': { status: 400, code: 'OMS.1020' },
  'cdn-refused': { status: 400, code: 'OMS.0081' },
  'cdn-key-missing': { status: 400, code: 'OMS.1032' },
  'bad-object-key': { status: 400, code: 'OMS.0064' },
  'wrong-password': { status: 401, code: 'APIGW.0301' },
  'signature-used': { status: 401, code: 'APIGW.0301' },
  'not-found': { status: 404, code: 'OMS.1009' },
  'name-taken': { status: 409, code: 'OMS.0064' },
  'in-use': { status: 409, code: 'OMS.0064' },
  'range-too-long': { status: 400, code: 'OMS.0064' },
  'range-too-old': { status: 400, code: 'OMS.0064' },
  'overloaded': { status: 503, code: 'OMS.1001', retryAfterSeconds: 1 },
  'unavailable': { status: 503, code: 'OMS.1001', retryAfterSeconds: 5 },
  'database-fails': { status: 503, code: 'OMS.1001', retryAfterSeconds: 30 },
};

const LASTING = 'Ask the operator of this service, and send the request again later.';

const internal: Answer = {
  status: 500,
  code: 'OMS.1001',
  message: 'Internal error. The log of the server has it under the request ID.',
};

/** Requests that Fastify refuses itself, before one of our hooks or handlers runs. */
const fastifyProblems: Readonly<Record<string, RequestError>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: new RequestError(
    'wrong-media-type',
    'the Content-Type is malformed; send application/json',
  ),
  FST_ERR_MAX_PARAM_LENGTH: new RequestError('url-too-long', 'a part of the path is too long'),
  FST_ERR_BAD_URL: new RequestError('bad-http', 'the path has a broken percent escape'),
};

/**
 * Turns every failure into the error body of OMS or of its gateway. No other file knows error codes,
 * and nothing of what was sent comes back: messages are ours or the service's.
 *
 * A path that no route serves is refused before a credential is required, so that a mistyped path is reported as such.
 */
export const problemReplies = fp(
  async (app) => {
    app.addHook('onRequest', async function refuseUnknownPath({ is404, method }) {
      if (is404) throw new RequestError('no-such-route', `no ${method} on this path`);
    });
    app.setErrorHandler<FastifyError>(sendProblem);
    app.setNotFoundHandler((request, reply) =>
      sendProblem(new RequestError('no-such-route', 'no route'), request, reply),
    );
  },
  { name: 'problem-replies', dependencies: ['observation'] },
);

/** Answers one request with the problem that `error` is. */
export function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const known = recognize(error);
  const answer = answerTo(known);
  if (answer === internal) {
    request.log.error({ event: 'api.failed', err: error }, 'a request failed');
  } else if (error instanceof DatabaseError) {
    const level = alreadyLogged(error) ? 'debug' : 'warn';
    request.log[level]({ event: 'api.unavailable', err: error }, 'the database did not serve');
  }
  request.refusal = refusalOf(answer, known);
  const { retryAfterSeconds } = known instanceof RequestError ? known : answer;
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', retryAfterSeconds);
  return reply
    .code(answer.status)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(bodyOf(answer, known, request)));
}

/** The answer to bytes that are not HTTP: there is no request yet. */
export function rawProblem(errorCode: string | undefined, requestId: string): string {
  const [status, reason] = rawStatus(errorCode);
  const body = JSON.stringify({
    error_code: 'APIGW.0201',
    error_msg: reason,
    request_id: requestId,
  });
  return [
    `HTTP/1.1 ${status} ${reason}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

function rawStatus(errorCode: string | undefined): readonly [number, string] {
  if (errorCode === 'HPE_HEADER_OVERFLOW') return [431, 'Request Header Fields Too Large'];
  if (errorCode === 'ERR_HTTP_REQUEST_TIMEOUT') return [408, 'Request Timeout'];
  return [400, 'Bad Request'];
}

function recognize(error: unknown): RequestError | ServiceError | undefined {
  if (error instanceof RequestError || error instanceof ServiceError) return error;
  if (error instanceof DatabaseError && error.state !== undefined) {
    const { lasting, state } = error;
    const then = lasting ? LASTING : 'Send the request again in a moment.';
    const problem = lasting ? 'database-fails' : 'unavailable';
    return new ServiceError(problem, `${state} ${then}`, undefined, { cause: error });
  }
  return error instanceof Error ? recognizeFastify(error) : undefined;
}

function recognizeFastify(error: Partial<FastifyError>): RequestError | undefined {
  const { code = '', statusCode = 500 } = error;
  const refused = fastifyProblems[code];
  if (refused !== undefined) return refused;
  // ECONNRESET with a status: the client went away while Fastify read its body.
  const ofTheRequest = code.startsWith('FST_ERR_') || code === 'ECONNRESET';
  if (ofTheRequest && statusCode >= 400 && statusCode < 500) {
    return new RequestError('bad-http', 'the request is malformed', { cause: error });
  }
  return undefined;
}

function answerTo(error: RequestError | ServiceError | undefined): Answer {
  if (error === undefined) return internal;
  return error instanceof RequestError ? requestProblems[error.problem] : problems[error.problem];
}

/** For the log: of the service's errors only the name, for their words may quote the request. */
function refusalOf(
  { code: errorCode }: Answer,
  error: RequestError | ServiceError | undefined,
): Refusal {
  if (error === undefined) return { errorCode, problem: 'internal' };
  if (error instanceof ServiceError) return { errorCode, problem: error.problem };
  // The canonical request has the values of headers and query: for the client, not for the log.
  const [detail = ''] = error.detail.split(', canonicalRequest:');
  return { errorCode, problem: error.problem, detail };
}

function bodyOf(
  answer: Answer,
  error: RequestError | ServiceError | undefined,
  { id: requestId, ignoredFields = [] }: Pick<FastifyRequest, 'id' | 'ignoredFields'>,
): ProblemBody {
  const message = answer.message ?? nameFields(error?.message ?? '');
  if (answer.code.startsWith('APIGW.')) {
    const detail = error instanceof RequestError ? `: ${error.detail}` : '';
    return {
      error_code: answer.code,
      error_msg: `${message}${detail}`,
      request_id: requestId,
    };
  }
  // What was ignored may be the reason of the refusal.
  const note = answer.status < 500 ? noteOnIgnored(ignoredFields) : undefined;
  const own =
    error instanceof ServiceError ? error.detail && detailOfRequest(error.detail) : error?.detail;
  const detail = joined(own, note);
  if (detail === undefined) return { error_code: answer.code, error_msg: message };
  // SDKs show the message only: what to change must stand there too.
  const error_msg = `${message} ${detail.charAt(0).toUpperCase()}${detail.slice(1)}`;
  return { error_code: answer.code, error_msg, error_detail: detail };
}

/** One text of sentences, of those that there are. */
function joined(detail: string | undefined, note: string | undefined): string | undefined {
  if (detail === undefined || note === undefined) return detail ?? note;
  return `${detail}${/[.?!]$/.test(detail) ? '' : '.'} ${note}`;
}
