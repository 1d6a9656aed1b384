import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type } from 'typebox';
import { TaskChoices } from '../../../domain/tasks/task-record.ts';
import {
  choicesInBody,
  choicesInReply,
  readChoices,
  renamed,
  type Schema,
  showChoices,
  spelled,
} from './task-choices.ts';

test('every choice of the record has a field in a creation and in a reply, of one name', () => {
  const names = Object.keys(choicesInBody);
  assert.equal(names.length, Object.keys(TaskChoices.properties).length);
  assert.deepEqual(Object.keys(choicesInReply).sort(), names.sort());
});

test('a creation that chooses nothing has the defaults, and a reply shows them', () => {
  const choices = readChoices({});
  assert.deepEqual(choices, {
    description: '',
    metadataMigration: false,
    kms: false,
    restore: false,
    overwriteMode: 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE',
    consistencyCheck: 'size_last_modified',
    missingSource: 'fail',
  });
  assert.deepEqual(showChoices(choices), {
    description: '',
    enable_metadata_migration: false,
    enable_kms: false,
    enable_restore: false,
    object_overwrite_mode: 'SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE',
    dst_storage_policy: null,
    app_id: null,
    consistency_check: 'size_last_modified',
  });
});

test('what a creation chooses is what a reply shows', () => {
  const body = {
    description: 'd',
    enable_metadata_migration: true,
    enable_kms: true,
    enable_restore: true,
    object_overwrite_mode: 'FULL_OVERWRITE',
    dst_storage_policy: 'IA',
    app_id: '7',
    consistency_check: 'crc64',
  } as const;
  assert.deepEqual(showChoices(readChoices(body)), body);
  assert.equal(readChoices({ consistency_check: 'transmission' }).consistencyCheck, 'no_check');
});

test('fields in objects and lists have the names of the API there, and back', () => {
  const record = Type.Object({
    keyFilters: Type.Optional(
      Type.Array(Type.Object({ startsWith: Type.String({ description: 'in {source.bucket}' }) })),
    ),
  });
  // TypeBox's schemas are JSON Schema.
  const schema = record as unknown as Schema;
  assert.deepEqual(JSON.parse(JSON.stringify(spelled(schema))), {
    type: 'object',
    properties: {
      key_filters: {
        type: 'array',
        items: {
          type: 'object',
          required: ['starts_with'],
          properties: { starts_with: { type: 'string', description: 'in src_bucket' } },
        },
      },
    },
  });
  const value = { keyFilters: [{ startsWith: 'a' }, { startsWith: 'b' }] };
  const shown = { key_filters: [{ starts_with: 'a' }, { starts_with: 'b' }] };
  assert.deepEqual(renamed(schema, value, 'show'), shown);
  assert.deepEqual(renamed(schema, shown, 'read'), value);
  assert.deepEqual(renamed(schema, {}, 'show'), {});
});
