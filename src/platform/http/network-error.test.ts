import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { faultOfNetworkError } from './network-error.ts';

describe('a network error', () => {
  for (const [code, syscall, fault] of [
    ['EHOSTUNREACH', 'connect', 'unreachable'],
    ['ECONNREFUSED', 'connect', 'unreachable'],
    ['EHOSTUNREACH', 'read', 'interrupted'],
    ['ENETUNREACH', 'read', 'interrupted'],
    ['ENETDOWN', 'write', 'interrupted'],
    ['ECONNRESET', 'read', 'interrupted'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', undefined, 'unreachable'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', undefined, 'unreachable'],
    ['ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC', undefined, 'interrupted'],
  ] as const) {
    test(`${code} of ${syscall ?? 'TLS'} is ${fault}`, () => {
      const error = Object.assign(new Error('it failed'), { code, syscall });
      assert.equal(faultOfNetworkError(error).fault, fault);
    });
  }
});
