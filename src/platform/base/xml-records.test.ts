import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readXml, XmlError } from './xml.ts';
import { type RecordFields, readRecords, recordsOf } from './xml-records.ts';

const shape = { record: 'Item', fields: ['Key', 'Size', 'ETag', 'Date'] } as const;
const make = (fields: RecordFields) => [
  fields.text(0),
  fields.integer(1),
  fields.text(2),
  fields.time(3),
];

const fast = (source: string) => readRecords(Buffer.from(source), shape, make);
const careful = (source: string) => recordsOf(readXml(source), shape, make);

const item = (key: string): string =>
  `<Item><Key>${key}</Key><Size>1</Size><ETag>&quot;x&quot;</ETag></Item>`;

describe('readRecords', () => {
  test('reads records, and leaves the rest of the document', () => {
    const found = fast(
      `<?xml version="1.0"?>\n<List xmlns="urn:x"><Name>n</Name>${item('a')}${item('b')}<More>false</More></List>`,
    );
    assert.deepEqual(found?.records, [
      ['a', 1, '"x"', Number.NaN],
      ['b', 1, '"x"', Number.NaN],
    ]);
    assert.deepEqual([found.root.textOf('Name'), found.root.textOf('More')], ['n', 'false']);
  });

  for (const [what, source] of [
    ['fields in another order', '<L><Item><Size>1</Size><Key>k</Key></Item></L>'],
    ['fields that are missing', '<L><Item><Key>k</Key></Item><Item></Item></L>'],
    ['fields that do not count', '<L><Item><Key>k</Key><Owner><ID>&lt;</ID></Owner></Item></L>'],
    ['white space', '<L>\n  <Item>\n\t<Key> k </Key>\n  </Item>\n  <Item>\n</Item>\n</L>'],
    ['references', '<L><Item><Key>&lt;&#65;&quot;</Key><ETag>&quot;a&quot;b</ETag></Item></L>'],
    ['a record within a record', '<L><Item><Item><Key>a</Key></Item></Item></L>'],
    ['line ends', '<L><Item><Key>a\r\nb</Key></Item></L>'],
    ['other elements between records', `<L>${item('a')}<P>x</P>${item('b')}</L>`],
    ['text beyond ASCII', `<L>${item('\u{1F600}\uFFFD')}</L>`],
  ] as const) {
    test(`reads ${what} as the careful reader does`, () => {
      assert.deepEqual(fast(source)?.records, careful(source).records);
      assert.notEqual(fast(source), undefined);
    });
  }

  for (const date of [
    ...['2026-01-02T03:04:05.678Z', '2026-01-02T03:04:05Z', '2024-02-29T23:59:59.999Z'],
    ...['2026-02-30T00:00:00.000Z', '2026-13-01T00:00:00.000Z', '2026-01-01T24:00:00.000Z'],
    ...['2026-01-01T00:00:60.000Z', '2026-01-01 00:00:00.000Z', '2026-01-01T00:00:00.0000Z'],
    ...['0001-01-01T00:00:00.000Z', '2026-01-01T00:00:00.00xZ', '2026-1-01T00:00:00.000Z', '', 'x'],
    ...['2026-01-01T00:00:00,000Z', '2026-01-01T00:00:00+00:00', 'Thu, 01 Jan 2026 00:00:00 GMT'],
  ]) {
    test(`reads the date ${date} as Date.parse does`, () => {
      const found = fast(`<L><Item><Key>k</Key><Date>${date}</Date></Item></L>`);
      assert.deepEqual(found?.records, [['k', Number.NaN, undefined, Date.parse(date)]]);
    });
  }

  test('reads any time as Date.parse does', () => {
    const max = 8.64e15;
    fc.assert(
      fc.property(fc.integer({ min: -max, max }), fc.boolean(), (time, isWhole) => {
        const iso = new Date(time).toISOString();
        const date = isWhole ? iso.replace(/\.\d+/, '') : iso;
        const found = fast(`<L><Item><Date>${date}</Date></Item></L>`);
        assert.equal(found?.records[0]?.[3], Date.parse(date));
      }),
    );
  });

  for (const size of [
    '1',
    '007',
    '9007199254740993',
    '1'.repeat(30),
    '-1',
    '1.5',
    '',
    ' 1',
    '1e3',
  ]) {
    test(`reads the number "${size}" as the careful reader does`, () => {
      const source = `<L><Item><Size>${size}</Size></Item></L>`;
      const [[, found] = []] = fast(source)?.records ?? [];
      const [[, expected] = []] = careful(source).records;
      assert.ok(
        Object.is(found, expected) || Math.abs(Number(found) / Number(expected) - 1) < 1e-12,
      );
    });
  }

  for (const [what, source] of [
    ['no record at all', '<L><Name>n</Name></L>'],
    ['a comment', `<L><!-- ${item('a')} --></L>`],
    ['a section', '<L><Item><Key><![CDATA[a]]></Key></Item></L>'],
    ['a record within another element', `<L><P>${item('a')}</P></L>`],
    ['a record with an attribute', `<L>${item('a')}<Item n="1"><Key>b</Key></Item></L>`],
    ['a record with a prefix', `<L>${item('a')}<s:Item><Key>b</Key></s:Item></L>`],
    ['a field twice', '<L><Item><Key>a</Key><Key>b</Key></Item></L>'],
    ['text within a record', '<L><Item>x<Key>a</Key></Item></L>'],
    ['an empty field in short form', '<L><Item><Key/></Item></L>'],
  ] as const) {
    test(`leaves ${what} to the careful reader`, () => {
      assert.equal(fast(source), undefined);
    });
  }

  test('never reads what the careful reader refuses, or reads otherwise', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        ...['<Item>', '</Item>', '<Key>', '</Key>', '<Size>', '</Size>', '<Owner>', '</Owner>'],
        ...['<L>', '</L>', '<Item/>', '<!-- ', ' -->', '<![CDATA[', ']]>', '&lt;', '&', '&#x41;'],
        ...[item('a'), item('b'), '\r\n', ' ', '<?xml?>', '<Item a="b">', '"', '&quot;'],
      ),
      fc.string({ maxLength: 4 }),
    );
    const random = fc.array(piece, { maxLength: 12 }).map((pieces) => `<L>${pieces.join('')}</L>`);
    const good = `<L><A>1</A>${item('a')}<B/>${item('&amp;')} ${item('c')}</L>`;
    const damaged = fc
      .tuple(fc.nat(good.length), fc.nat(6), fc.oneof(piece, fc.constant('')))
      .map(([at, cut, put]) => good.slice(0, at) + put + good.slice(at + cut));
    fc.assert(
      fc.property(fc.oneof(random, damaged), (source) => {
        let expected: ReturnType<typeof careful> | undefined;
        try {
          expected = careful(source);
        } catch (error) {
          assert.ok(error instanceof XmlError);
        }
        let found: ReturnType<typeof fast>;
        try {
          found = fast(source);
        } catch (error) {
          assert.ok(error instanceof XmlError);
          assert.equal(expected, undefined);
          return;
        }
        if (found === undefined) return;
        assert.deepEqual(found.records, expected?.records);
        const others = expected?.root.children.filter(({ name }) => name !== 'Item');
        const left = found.root.children.filter(({ name }) => name !== 'records-were-here');
        assert.deepEqual(left, others);
      }),
      { numRuns: 5_000 },
    );
  });
});
