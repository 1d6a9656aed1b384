import assert from 'node:assert/strict';
import { ClientRequestException } from '@huaweicloud/huaweicloud-sdk-core/exception/ClientRequestException.js';
import { ServerResponseException } from '@huaweicloud/huaweicloud-sdk-core/exception/ServerResponseException.js';

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message?: RegExp;
}

/** Waits for a refusal, and compares all that the SDK lets a program see of one. */
export async function refused(call: Promise<unknown>, expected: Refusal): Promise<void> {
  const error = await call.then(
    () => assert.fail(`it was not refused; expected ${expected.code}`),
    (reason: unknown) => reason,
  );
  const kind = expected.status < 500 ? ClientRequestException : ServerResponseException;
  assert.ok(error instanceof kind, String(error));
  const { httpStatusCode: status, errorCode: code, errorMsg = '', requestId = '' } = error;
  assert.deepEqual({ status, code }, { status: expected.status, code: expected.code }, errorMsg);
  assert.match(requestId, /^[0-9a-f]{32}$/, 'the header X-Request-Id');
  assert.match(errorMsg, expected.message ?? /\S/);
}
