import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger };

/** Least urgent first. `error`: a person must act; `warn`: we coped; `info`: state changed. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Fields that hold secrets, wherever they stand in a line, down to the third level. */
const secretFields = [
  'ak',
  'sk',
  'accessKey',
  'secretKey',
  'securityToken',
  'security_token',
  'token',
  'json_auth_file',
  'authentication_key',
  'authenticationKey',
  'password',
  'authorization',
  'cookie',
  'databaseUrl',
  'x-auth-token',
  'x-amz-security-token',
  'x-obs-security-token',
  'x-oss-security-token',
  'x-cos-security-token',
];

function redacted(more: readonly string[]): string[] {
  const fields = [...secretFields, ...more];
  return ['', '*', '*.*'].flatMap((above) => fields.map((field) => `${above}["${field}"]`));
}

export interface LogOptions {
  /** Fields that hold secrets beside those that every line is searched for. */
  readonly secretFields?: readonly string[];
  /** Changes a line before it is written: names things as the reader knows them. */
  readonly reword?: (line: string) => string;
}

/** What a log line keeps of an error: never the foreign fields, which may hold a request. */
interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  readonly fault?: string;
  readonly cause?: LoggedError;
}

const CAUSES_MAX = 5;

function textField(error: Error, field: 'code' | 'fault'): string | undefined {
  const value: unknown = Reflect.get(error, field);
  return typeof value === 'string' ? value : undefined;
}

function describeError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an Error' };
  const code = textField(error, 'code');
  const fault = textField(error, 'fault');
  return {
    type: error.name,
    message: error.message,
    ...(error.stack !== undefined && { stack: error.stack }),
    ...(code !== undefined && { code }),
    ...(fault !== undefined && { fault }),
    ...(error.cause !== undefined &&
      depth < CAUSES_MAX && { cause: describeError(error.cause, depth + 1) }),
  };
}

/**
 * A logger that writes one JSON object a line, and no secrets.
 *
 * Every line has `event`, a `noun.verb` of a closed list; facts are fields; the message is constant.
 * A line of a library's own has the event `library.said`.
 *
 * @param destination Where lines go; standard error when absent.
 */
export function createLogger(
  level: LogLevel,
  destination?: DestinationStream,
  { secretFields: more = [], reword = (line) => line }: LogOptions = {},
): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: { streamWrite: reword },
      redact: { paths: redacted(more), censor: '[secret]' },
      mixin: (line) => ('event' in line ? {} : { event: 'library.said' }),
      serializers: { err: (error: unknown) => describeError(error) },
    },
    destination ?? pino.destination({ dest: 2, sync: true }),
  );
}

/** For tests and short commands: says nothing. */
export const silentLog: Logger = pino({ level: 'silent' });
