import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger };

/** Least urgent first. `error`: a person must act; `warn`: we coped; `info`: state changed. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Fields that hold secrets, wherever they stand in a line, down to the third level. */
const secretFields = [
  'ak',
  'sk',
  'src_ak',
  'src_sk',
  'dst_ak',
  'dst_sk',
  'accessKey',
  'secretKey',
  'securityToken',
  'security_token',
  'src_security_token',
  'dst_security_token',
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

const redacted = ['', '*', '*.*'].flatMap((above) =>
  secretFields.map((field) => `${above}["${field}"]`),
);

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
export function createLogger(level: LogLevel, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: redacted, censor: '[secret]' },
      mixin: (line) => ('event' in line ? {} : { event: 'library.said' }),
      serializers: { err: (error: unknown) => describeError(error) },
    },
    destination ?? pino.destination({ dest: 2, sync: true }),
  );
}

/** For tests and short commands: says nothing. */
export const silentLog: Logger = pino({ level: 'silent' });
