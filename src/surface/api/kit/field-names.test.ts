import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { editDistance } from '../../../platform/base/edit-distance.ts';
import { FIELDS_MAX, unknownFields } from './field-names.ts';
import { omsRequestFields } from './oms-fields.ts';
import {
  CreateSyncTaskBody as create,
  StartSyncTaskBody as start,
} from '../oms/schemas/sync-task.ts';

const known = Object.keys(create.properties);

/** What is decided about one field of a creation beside nothing else. */
function judged(name: string, schema: object = create) {
  const [field] = unknownFields({ [name]: 'x' }, schema, omsRequestFields).fields;
  return field ?? assert.fail(`${name} is known`);
}

function refusedFor(name: string, schema: object = create): readonly string[] {
  const { refused, meant } = judged(name, schema);
  assert.equal(refused, true, name);
  return meant;
}

describe('an unknown field is refused', () => {
  test('where it is a known field in another spelling, which is suggested', () => {
    for (const name of [
      'srcEndpoint',
      'src-endpoint',
      'SRC_ENDPOINT',
      'src endpoint',
      ' SrcEndPoint',
    ]) {
      assert.deepEqual(refusedFor(name), ['src_endpoint'], name);
    }
    assert.deepEqual(refusedFor('SRC_AK'), ['src_ak']);
    assert.deepEqual(refusedFor('dstCloudType'), ['dst_cloud_type']);
    assert.deepEqual(refusedFor('descripton'), ['description']);
    assert.deepEqual(refusedFor('appid'), ['app_id']);
    assert.deepEqual(refusedFor('ｓｒｃ＿ａｋ'), ['src_ak']);
  });

  test('where it names an endpoint; those of the side that it names are suggested', () => {
    assert.deepEqual(refusedFor('src_s3_endpoint_url'), ['src_endpoint']);
    assert.deepEqual(refusedFor('s3-end-point'), ['src_endpoint', 'dst_endpoint']);
    assert.deepEqual(refusedFor('targetEndpointUrl'), ['dst_endpoint']);
    for (const name of ['endpiont', 'endpont', 'EndPoints']) {
      assert.deepEqual(refusedFor(name), ['src_endpoint', 'dst_endpoint'], name);
    }
    // A start takes no endpoint, under any name.
    assert.deepEqual(refusedFor('src_endpoint', start), []);
    assert.deepEqual(refusedFor(`${'x'.repeat(1_000_000)}endpoint`), [
      'src_endpoint',
      'dst_endpoint',
    ]);
  });

  test('where it begins with a side, by the words that people use for them', () => {
    assert.deepEqual(refusedFor('source_endpoint'), ['src_endpoint']);
    assert.deepEqual(refusedFor('destination_cloud_type'), ['dst_cloud_type']);
    assert.deepEqual(refusedFor('targetBucket'), ['dst_bucket']);
    assert.deepEqual(refusedFor('dest-region'), ['dst_region']);
    assert.deepEqual(refusedFor('src_url'), []);
    assert.ok(refusedFor('src_').includes('src_ak'));
    assert.deepEqual(refusedFor('dst_cloud_type', start), []);
  });

  test('within the objects of a body too, by the fields that are known there', () => {
    const body = {
      source_cdn: { domian: 'cdn', protocol: 'https', colour: 'red', crypto_type: null },
    };
    assert.deepEqual(unknownFields(body, create, omsRequestFields).fields, [
      { path: 'source_cdn.domian', refused: true, meant: ['source_cdn.domain'] },
      { path: 'source_cdn.colour', refused: false, meant: [] },
    ]);
  });

  test('within objects that are unknown themselves, where it names an endpoint', () => {
    const body = { src_node: { region: 'r', endpoint: 'e' }, tags: { source_team: 't' } };
    assert.deepEqual(unknownFields(body, create, omsRequestFields).fields, [
      { path: 'src_node', refused: false, meant: [] },
      { path: 'src_node.endpoint', refused: true, meant: ['src_endpoint', 'dst_endpoint'] },
      { path: 'tags', refused: false, meant: [] },
    ]);
  });

  test('within lists too, however they are nested', () => {
    const body = {
      places: [['a', [{ endpoint: 'e' }]], { end_point: 'f' }],
      source_cdn: [{ domian: 'cdn' }],
    };
    const { fields } = unknownFields(body, create, omsRequestFields);
    const refused = fields.filter((field) => field.refused).map(({ path }) => path);
    assert.deepEqual(refused, ['places.endpoint', 'places.end_point', 'source_cdn.domian']);
  });
});

describe('an unknown field is ignored', () => {
  test('when any request of OMS has a field of that name, even in another operation', () => {
    for (const schema of [create, start]) {
      const body = Object.fromEntries([...omsRequestFields].map((name) => [name, {}]));
      const { fields } = unknownFields(body, schema, omsRequestFields);
      assert.deepEqual(
        fields.filter(({ refused }) => refused),
        [],
      );
    }
  });

  test('where it is like no other, or null, or not in an object', () => {
    for (const name of [
      'requester_pays',
      'api',
      'tags',
      'url',
      '',
      '__proto',
      'constructor',
      'toString',
    ]) {
      assert.equal(judged(name).refused, false, name);
    }
    assert.deepEqual(unknownFields({ src_endpiont: null }, create, omsRequestFields).fields, []);
    for (const body of [null, undefined, 'src_endpiont', 5, [{ src_endpiont: 1 }]]) {
      assert.deepEqual(unknownFields(body, create, omsRequestFields).fields, []);
    }
  });
});

describe('for any name', () => {
  const inKnown = fc.constantFrom(...known);
  const letters = fc.constantFrom(...Array.from('abcdefghijklmnopqrstuvwxyz_'));
  const isKnown = (name: string) => known.includes(name) || omsRequestFields.has(name);

  test('one or two edits of a known field are refused, with a field as near', () => {
    const edit = fc.record({ at: fc.nat(), text: fc.option(letters), removes: fc.boolean() });
    fc.assert(
      fc.property(inKnown, fc.array(edit, { minLength: 1, maxLength: 2 }), (field, edits) => {
        const name = edits.reduce((text, { at, text: put, removes }) => {
          const index = at % (text.length + 1);
          return `${text.slice(0, index)}${put ?? ''}${text.slice(index + (removes ? 1 : 0))}`;
        }, field);
        if (isKnown(name)) return;
        const meant = refusedFor(name);
        assert.ok(meant.length > 0, name);
        for (const one of meant) assert.notEqual(editDistance(name, one, 8), undefined);
      }),
    );
  });

  test('other capitals and separators of a known field are refused', () => {
    const capitals = fc.array(fc.boolean(), { minLength: 30, maxLength: 30 });
    fc.assert(
      fc.property(
        inKnown,
        capitals,
        fc.constantFrom('-', '_', ' ', '.'),
        (field, upper, between) => {
          const name = field
            .split('')
            .map((letter, index) =>
              letter === '_' ? between : upper[index] === true ? letter.toUpperCase() : letter,
            )
            .join('');
          if (!isKnown(name)) assert.deepEqual(refusedFor(name), [field], name);
        },
      ),
    );
  });

  test('the decision is that of the rules', () => {
    const part = fc.constantFrom('src_', 'dst_', 'source_', 'target_', 'endpoint', 'ak', ...known);
    const name = fc
      .array(fc.oneof(part, fc.string({ unit: letters, maxLength: 12 })), { maxLength: 3 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(name, (text) => {
        if (known.includes(text)) return;
        const begun = text.replaceAll(/_+/g, '_').replace(/^_/, '');
        const spellings = [begun, begun.replace(/_$/, '')];
        const suspect =
          /end_{0,3}point/.test(text) ||
          /^(?:src|dst|source|target|dest|destination)_/.test(begun) ||
          spellings.some((one) =>
            [...known, 'endpoint'].some((field) => editDistance(one, field, 2) !== undefined),
          );
        assert.equal(judged(text).refused, suspect && !isKnown(text), text);
      }),
    );
  });

  test('any body is judged, and the text about it is bounded', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (body) => {
        const { fields } = unknownFields(body, create, omsRequestFields);
        assert.ok(fields.length <= FIELDS_MAX);
      }),
    );
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`field_${n}`, n]));
    const { fields, tooMany } = unknownFields(many, create, omsRequestFields);
    assert.deepEqual([fields.length, tooMany], [FIELDS_MAX, true]);
    const deep = JSON.parse(`${'{"x":'.repeat(5_000)}1${'}'.repeat(5_000)}`) as unknown;
    assert.equal(unknownFields(deep, create, omsRequestFields).tooMany, false);
  });
});
