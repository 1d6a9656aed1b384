import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { testDatabase } from '../../../test/kit/postgres.ts';
import type { Database } from './db.ts';
import { alreadyLogged, DatabaseError, type DatabaseFault, toDatabaseError } from './db-error.ts';

/**
 * Of PostgreSQL 18's documentation, Appendix A: every class by one of its codes, and every code that is
 * treated unlike its class.
 */
const codes: Readonly<Record<string, DatabaseFault>> = {
  '01000': 'statement', // warning
  '02000': 'statement', // no_data
  '03000': 'statement', // sql_statement_not_yet_complete
  '08000': 'unavailable', // connection_exception
  '08001': 'unavailable', // sqlclient_unable_to_establish_sqlconnection
  '08003': 'unavailable', // connection_does_not_exist
  '08004': 'unavailable', // sqlserver_rejected_establishment_of_sqlconnection
  '08006': 'unavailable', // connection_failure
  '08007': 'unavailable', // transaction_resolution_unknown
  '08P01': 'unavailable', // protocol_violation
  '09000': 'statement', // triggered_action_exception
  '0A000': 'statement', // feature_not_supported
  '0B000': 'statement', // invalid_transaction_initiation
  '0F000': 'statement', // locator_exception
  '0L000': 'statement', // invalid_grantor
  '0P000': 'statement', // invalid_role_specification
  '0Z000': 'statement', // diagnostics_exception
  '10608': 'statement', // invalid_argument_for_xquery
  '20000': 'statement', // case_not_found
  '21000': 'statement', // cardinality_violation
  '22P05': 'statement', // untranslatable_character
  '23505': 'duplicate', // unique_violation
  '23502': 'constraint', // not_null_violation
  '24000': 'statement', // invalid_cursor_state
  '25006': 'read-only', // read_only_sql_transaction
  '25P02': 'statement', // in_failed_sql_transaction
  '25P03': 'timed-out', // idle_in_transaction_session_timeout
  '25P04': 'timed-out', // transaction_timeout
  '26000': 'statement', // invalid_sql_statement_name
  '27000': 'statement', // triggered_data_change_violation
  '28000': 'login-rejected', // invalid_authorization_specification
  '28P01': 'login-rejected', // invalid_password
  '2B000': 'statement', // dependent_privilege_descriptors_still_exist
  '2D000': 'statement', // invalid_transaction_termination
  '2F000': 'statement', // sql_routine_exception
  '34000': 'statement', // invalid_cursor_name
  '38000': 'statement', // external_routine_exception
  '39000': 'statement', // external_routine_invocation_exception
  '3B000': 'statement', // savepoint_exception
  '3D000': 'no-database', // invalid_catalog_name
  '3F000': 'wrong-schema', // invalid_schema_name
  '40001': 'contended', // serialization_failure
  '40003': 'unavailable', // statement_completion_unknown
  '40P01': 'contended', // deadlock_detected
  '42501': 'no-privilege', // insufficient_privilege
  '42601': 'statement', // syntax_error
  '42703': 'wrong-schema', // undefined_column
  '42704': 'wrong-schema', // undefined_object
  '42883': 'wrong-schema', // undefined_function
  '42P01': 'wrong-schema', // undefined_table
  '44000': 'constraint', // with_check_option_violation
  '53000': 'exhausted', // insufficient_resources
  '53100': 'disk-full', // disk_full
  '53200': 'out-of-memory', // out_of_memory
  '53300': 'too-many-connections', // too_many_connections
  '53400': 'exhausted', // configuration_limit_exceeded
  '54000': 'statement', // program_limit_exceeded
  '55000': 'unavailable', // object_not_in_prerequisite_state
  '55006': 'contended', // object_in_use
  '55P02': 'statement', // cant_change_runtime_param
  '55P03': 'contended', // lock_not_available
  '57000': 'unavailable', // operator_intervention
  '57014': 'timed-out', // query_canceled
  '57P01': 'restarting', // admin_shutdown
  '57P02': 'restarting', // crash_shutdown
  '57P03': 'restarting', // cannot_connect_now
  '57P04': 'no-database', // database_dropped
  '57P05': 'unavailable', // idle_session_timeout
  '58000': 'io-error', // system_error
  '58030': 'io-error', // io_error
  '58P01': 'io-error', // undefined_file
  '72000': 'statement', // snapshot_too_old
  'F0000': 'misconfigured', // config_file_error
  'HV000': 'statement', // fdw_error
  'P0001': 'statement', // raise_exception
  'XX000': 'damaged', // internal_error
  'XX001': 'damaged', // data_corrupted
  'XX002': 'damaged', // index_corrupted
  'ZZ999': 'statement', // of no class: raised by a trigger or an extension
};

/** What is true of each fault: may the same work succeed later, is it logged once, must a person act. */
const facts: Record<
  DatabaseFault,
  readonly [transient: boolean, general: boolean, lasting: boolean]
> = {
  'unavailable': [true, true, false],
  'restarting': [true, true, false],
  'read-only': [true, true, true],
  'disk-full': [true, true, true],
  'out-of-memory': [true, true, false],
  'too-many-connections': [true, true, false],
  'exhausted': [true, true, false],
  'login-rejected': [true, true, true],
  'no-database': [true, true, true],
  'no-privilege': [true, true, true],
  'wrong-schema': [true, true, true],
  'misconfigured': [true, true, true],
  'io-error': [true, true, true],
  'damaged': [false, true, true],
  'contended': [true, false, false],
  'timed-out': [true, false, false],
  'duplicate': [false, false, false],
  'constraint': [false, false, false],
  'statement': [false, false, false],
};

describe('a fault of the database', () => {
  let database: Database;
  before(async () => {
    database = await testDatabase({ empty: true });
  });
  after(() => database[Symbol.asyncDispose]());

  for (const [code, fault] of Object.entries(codes)) {
    test(`SQLSTATE ${code} is "${fault}"`, async () => {
      const raise = `do $$ begin raise exception 'raised' using errcode = '${code}'; end $$`;
      await assert.rejects(database.query(raise), { name: 'DatabaseError', code, fault });
    });
  }

  for (const [code, fault] of [
    ['ECONNREFUSED', 'unavailable'],
    ['ECONNRESET', 'unavailable'],
    ['ENOENT', 'unavailable'],
    ['EPIPE', 'unavailable'],
    ['EAI_AGAIN', 'unavailable'],
    ['ERR_STREAM_DESTROYED', 'unavailable'],
    ['ERR_SOCKET_CLOSED', 'unavailable'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'misconfigured'],
    ['CERT_HAS_EXPIRED', 'misconfigured'],
  ] as const) {
    test(`the system's code ${code} is "${fault}"`, () => {
      const error = Object.assign(new Error('failed'), { code });
      assert.equal(toDatabaseError(error).fault, fault);
    });
  }

  for (const [message, fault] of [
    ['Connection terminated unexpectedly', 'unavailable'],
    ['timeout exceeded when trying to connect', 'unavailable'],
    ['Client has encountered a connection error and is not queryable', 'unavailable'],
    ['Query read timeout', 'timed-out'],
  ] as const) {
    test(`the driver's "${message}" is "${fault}"`, () => {
      assert.equal(toDatabaseError(new Error(message)).fault, fault);
    });
  }

  for (const [fault, [transient, general, lasting]] of Object.entries(facts)) {
    test(`"${fault}": whether it passes, concerns every statement, needs a person`, () => {
      const error = new DatabaseError(fault as DatabaseFault, 'a message');
      assert.deepEqual(
        [error.transient, error.general, error.lasting],
        [transient, general, lasting],
      );
      assert.equal(alreadyLogged(error), general);
      // pg-boss reports copies, which are no instances.
      assert.equal(alreadyLogged(Object.assign({}, error)), general);
      const ofOneStatement = ['duplicate', 'constraint', 'statement'].includes(fault);
      assert.equal(error.state === undefined, ofOneStatement);
    });
  }
});
