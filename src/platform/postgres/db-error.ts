/** Why a statement did not succeed. */
export type DatabaseFault =
  | 'unavailable'
  | 'restarting'
  | 'read-only'
  | 'disk-full'
  | 'out-of-memory'
  | 'too-many-connections'
  | 'exhausted'
  | 'login-rejected'
  | 'no-database'
  | 'no-privilege'
  | 'wrong-schema'
  | 'misconfigured'
  | 'io-error'
  | 'damaged'
  | 'contended'
  | 'timed-out'
  | 'duplicate'
  | 'constraint'
  | 'statement';

interface FaultFacts {
  /** Whether the same work may succeed later, without a change of the work itself. */
  readonly transient: boolean;
  /** A sentence on the state that the database is in; undefined where the fault lies in the statement. */
  readonly state: string | undefined;
  /** Whether that state concerns every statement, and so is logged once and not for each of them. */
  readonly general: boolean;
  /** Whether the state lasts until a person ends it. */
  readonly lasting: boolean;
}

function passing(state: string): FaultFacts {
  return { transient: true, state, general: true, lasting: false };
}

function lasting(state: string): FaultFacts {
  return { transient: true, state, general: true, lasting: true };
}

const ofOneStatement: FaultFacts = {
  ...{ transient: false, state: undefined, general: false, lasting: false },
};

const faults: Record<DatabaseFault, FaultFacts> = {
  'unavailable': passing('The database does not answer.'),
  'restarting': passing('The database is starting or shutting down.'),
  'read-only': lasting('The database is read-only.'),
  'disk-full': lasting('The disk of the database is full.'),
  'out-of-memory': passing('The database is out of memory.'),
  'too-many-connections': passing('The database accepts no more connections.'),
  'exhausted': passing('The database has reached a limit of its resources.'),
  'login-rejected': lasting('The database rejects the login of this service.'),
  'no-database': lasting('The database of this service does not exist.'),
  'no-privilege': lasting('The database user of this service lacks a privilege.'),
  'wrong-schema': lasting('The tables in the database are not those of this version.'),
  'misconfigured': lasting('The database is not configured as this service needs it.'),
  'io-error': lasting('The database has an input/output error.'),
  // Not transient: it may concern one row, and work on that row must not hold up all other work.
  'damaged': {
    ...lasting('The database reports damaged data or an internal error.'),
    transient: false,
  },
  'contended': {
    ...passing('The database is busy with conflicting changes.'),
    general: false,
  },
  'timed-out': { ...passing('The database took too long to answer.'), general: false },
  'duplicate': ofOneStatement,
  'constraint': ofOneStatement,
  'statement': ofOneStatement,
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
    return faults[this.fault].transient;
  }

  /** What the database cannot do now, in a sentence for any reader; undefined: it lies in the statement. */
  get state(): string | undefined {
    return faults[this.fault].state;
  }

  /** Whether every statement meets this state; it is logged by {@link FaultLog} then. */
  get general(): boolean {
    return faults[this.fault].general;
  }

  /** Whether the state lasts until a person ends it. */
  get lasting(): boolean {
    return faults[this.fault].lasting;
  }
}

/**
 * Codes that differ from their class. All codes and their names are in PostgreSQL's documentation,
 * Appendix A: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const faultsByCode: Readonly<Record<string, DatabaseFault>> = {
  // read_only_sql_transaction: a standby, or default_transaction_read_only.
  '25006': 'read-only',
  // idle_in_transaction_session_timeout, transaction_timeout.
  '25P03': 'timed-out',
  '25P04': 'timed-out',
  // integrity_constraint_violation within 23; unique_violation:
  '23505': 'duplicate',
  // statement_completion_unknown: the connection was lost.
  '40003': 'unavailable',
  // insufficient_privilege.
  '42501': 'no-privilege',
  // undefined_table, undefined_column, undefined_function, undefined_object: of another version, or restored in part.
  '42P01': 'wrong-schema',
  '42703': 'wrong-schema',
  '42883': 'wrong-schema',
  '42704': 'wrong-schema',
  '53100': 'disk-full',
  '53200': 'out-of-memory',
  '53300': 'too-many-connections',
  // object_not_in_prerequisite_state: `allow_connections` of the database is false; no statement here raises it.
  '55000': 'unavailable',
  // object_in_use, lock_not_available.
  '55006': 'contended',
  '55P03': 'contended',
  // query_canceled: statement_timeout.
  '57014': 'timed-out',
  // admin_shutdown, crash_shutdown, cannot_connect_now.
  '57P01': 'restarting',
  '57P02': 'restarting',
  '57P03': 'restarting',
  '57P04': 'no-database', // database_dropped
};

/**
 * Every class of the appendix: the first two characters of a code. A class that is not here is
 * raised by an extension or a trigger, and taken for a fault of the statement.
 */
const faultsByClass: Readonly<Record<string, DatabaseFault>> = {
  '00': 'statement', // Successful Completion
  '01': 'statement', // Warning
  '02': 'statement', // No Data
  '03': 'statement', // SQL Statement Not Yet Complete
  '08': 'unavailable', // Connection Exception
  '09': 'statement', // Triggered Action Exception
  '0A': 'statement', // Feature Not Supported
  '0B': 'statement', // Invalid Transaction Initiation
  '0F': 'statement', // Locator Exception
  '0L': 'statement', // Invalid Grantor
  '0P': 'statement', // Invalid Role Specification
  '0Z': 'statement', // Diagnostics Exception
  '10': 'statement', // XQuery Error
  '20': 'statement', // Case Not Found
  '21': 'statement', // Cardinality Violation
  '22': 'statement', // Data Exception
  '23': 'constraint', // Integrity Constraint Violation
  '24': 'statement', // Invalid Cursor State
  '25': 'statement', // Invalid Transaction State
  '26': 'statement', // Invalid SQL Statement Name
  '27': 'statement', // Triggered Data Change Violation
  '28': 'login-rejected', // Invalid Authorization Specification
  '2B': 'statement', // Dependent Privilege Descriptors Still Exist
  '2D': 'statement', // Invalid Transaction Termination
  '2F': 'statement', // SQL Routine Exception
  '34': 'statement', // Invalid Cursor Name
  '38': 'statement', // External Routine Exception
  '39': 'statement', // External Routine Invocation Exception
  '3B': 'statement', // Savepoint Exception
  '3D': 'no-database', // Invalid Catalog Name
  '3F': 'wrong-schema', // Invalid Schema Name
  '40': 'contended', // Transaction Rollback
  '42': 'statement', // Syntax Error or Access Rule Violation
  '44': 'constraint', // WITH CHECK OPTION Violation
  '53': 'exhausted', // Insufficient Resources
  '54': 'statement', // Program Limit Exceeded
  '55': 'statement', // Object Not In Prerequisite State
  '57': 'unavailable', // Operator Intervention
  '58': 'io-error', // System Error
  '72': 'statement', // Snapshot Failure, until PostgreSQL 16
  'F0': 'misconfigured', // Configuration File Error
  'HV': 'statement', // Foreign Data Wrapper Error
  'P0': 'statement', // PL/pgSQL Error
  'XX': 'damaged', // Internal Error: data_corrupted, index_corrupted
};

function faultOf(code: string | undefined, message: string): DatabaseFault {
  if (code === undefined) {
    // The driver's own errors carry no code: a lost or late connection, or our own mistake.
    if (/read timeout/i.test(message)) return 'timed-out';
    return /connect|terminated|not queryable/i.test(message) ? 'unavailable' : 'statement';
  }
  // System calls: ECONNREFUSED, EAI_AGAIN; and what Node says of a connection that is closed, as ERR_STREAM_DESTROYED.
  if (/^E[A-Z]+$|^EAI_|^ERR_(?:STREAM|SOCKET)_/.test(code)) return 'unavailable';
  // The other names are those of TLS certificates.
  if (code.length !== 5) return 'misconfigured';
  return faultsByCode[code] ?? faultsByClass[code.slice(0, 2)] ?? 'statement';
}

function text(error: Error, field: string): string | undefined {
  const value: unknown = Reflect.get(error, field);
  return typeof value === 'string' ? value : undefined;
}

/**
 * Whether an error is a state of the database that {@link FaultLog} logs: another line for each
 * statement would add nothing. Reads the fields, since pg-boss reports copies of errors.
 */
export function alreadyLogged(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const { name, fault } = error as { readonly name?: unknown; readonly fault?: unknown };
  if (name !== 'DatabaseError' || typeof fault !== 'string') return false;
  return Object.entries(faults).some(([known, { general }]) => known === fault && general);
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
