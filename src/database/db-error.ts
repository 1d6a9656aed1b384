/** Why a statement did not succeed. */
export type DatabaseFault =
  | 'unavailable'
  | 'contended'
  | 'timed-out'
  | 'exhausted'
  | 'duplicate'
  | 'constraint'
  | 'misconfigured'
  | 'statement';

/** Whether the same work may succeed later. */
const transient: Record<DatabaseFault, boolean> = {
  'unavailable': true,
  'contended': true,
  'timed-out': true,
  'exhausted': true,
  'duplicate': false,
  'constraint': false,
  'misconfigured': false,
  'statement': false,
};

export interface DatabaseErrorDetails {
  /** The five characters of PostgreSQL, or the code of the system call that failed. */
  readonly code?: string;
  readonly constraint?: string;
  readonly table?: string;
}

/**
 * The one error of this folder. Decide by `fault`, never by the message.
 *
 * It keeps PostgreSQL's message but neither its detail, which quotes values of rows, nor the
 * statement, nor where the database is: the address may hold a password.
 */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly fault: DatabaseFault;
  readonly code: string | undefined;
  readonly constraint: string | undefined;
  readonly table: string | undefined;

  constructor(fault: DatabaseFault, message: string, details: DatabaseErrorDetails = {}) {
    super(message);
    this.fault = fault;
    this.code = details.code;
    this.constraint = details.constraint;
    this.table = details.table;
  }

  get transient(): boolean {
    return transient[this.fault];
  }
}

const faultsByCode: Readonly<Record<string, DatabaseFault>> = {
  '23505': 'duplicate',
  '40001': 'contended',
  '40P01': 'contended',
  '55000': 'unavailable', // The database takes no connections just now; nothing else of ours gives it.
  '55P03': 'contended',
  '57014': 'timed-out',
  '25P03': 'timed-out',
  '57P01': 'unavailable',
  '57P02': 'unavailable',
  '57P03': 'unavailable',
  '57P05': 'unavailable',
};

/** By the class of the code: its first two characters. */
const faultsByClass: Readonly<Record<string, DatabaseFault>> = {
  '08': 'unavailable',
  '23': 'constraint',
  '28': 'misconfigured',
  '3D': 'misconfigured',
  '53': 'exhausted',
  '58': 'unavailable',
};

function faultOf(code: string | undefined, message: string): DatabaseFault {
  if (code === undefined) {
    // The driver's own errors carry no code: a lost or late connection, or a mistake of ours.
    if (/read timeout/i.test(message)) return 'timed-out';
    return /connect|terminated|not queryable/i.test(message) ? 'unavailable' : 'statement';
  }
  // System calls: ECONNREFUSED, EAI_AGAIN. The longer names are those of TLS certificates.
  if (/^E[A-Z]+$|^EAI_/.test(code)) return 'unavailable';
  if (code.length !== 5) return 'misconfigured';
  return faultsByCode[code] ?? faultsByClass[code.slice(0, 2)] ?? 'statement';
}

function text(error: Error, field: string): string | undefined {
  const value: unknown = Reflect.get(error, field);
  return typeof value === 'string' ? value : undefined;
}

/** Turns whatever the driver threw into a {@link DatabaseError}. */
export function toDatabaseError(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  if (!(error instanceof Error)) return new DatabaseError('statement', 'the driver failed');
  const code = text(error, 'code');
  const constraint = text(error, 'constraint');
  const table = text(error, 'table');
  // A refused connection is an AggregateError with an empty message: one entry an address.
  const message = error.message === '' ? `cannot connect (${code ?? 'no code'})` : error.message;
  return new DatabaseError(faultOf(code, message), message, {
    ...(code !== undefined && { code }),
    ...(constraint !== undefined && { constraint }),
    ...(table !== undefined && { table }),
  });
}
