import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detailOfRequest, nameFields } from './neutral-names.ts';

test('a field at fault is named as a request parameter of OMS', () => {
  for (const [text, expected] of [
    ['[source.bucket] invalid.', 'request parameter [src_bucket] invalid.'],
    [
      '[target.accessKeyId] or [target.secretAccessKey] invalid: no.',
      'request parameter [dst_ak] or [dst_sk] invalid: no.',
    ],
    [
      '[kms] invalid: a; [restore] invalid: b',
      'request parameter [enable_kms] invalid: a; request parameter [enable_restore] invalid: b',
    ],
    ['[keys[3]] is too long', 'request parameter [object_keys[3]] is too long'],
    ['[Statement[0].Action] is unknown', 'request parameter [Statement[0].Action] is unknown'],
    ['raise {settings.tasksMax}', 'raise BRIGADE_TASKS_MAX'],
  ] as const) {
    assert.equal(detailOfRequest(text), expected);
  }
});

test('a mention of a field or setting is its name, and other braces stay', () => {
  assert.equal(
    nameFields('{source.bucket} {metadata} {settings.allowEndpoints} {constructor} {nothing} [x]'),
    'src_bucket enable_metadata_migration BRIGADE_ALLOW_ENDPOINTS {constructor} {nothing} [x]',
  );
});
