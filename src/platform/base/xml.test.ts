import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { XMLParser } from 'fast-xml-parser';
import { escapeXml, fitsXml, readXml, XmlElement, XmlError } from './xml.ts';

describe('readXml', () => {
  test('reads names, texts and children', () => {
    const root = readXml(
      '<?xml version="1.0"?>\n<s:List xmlns:s="urn:x" a=\'1>2\'>\n<Key>a</Key><Key> b </Key><!-- <c> --><Empty/><D n="1"></D></s:List>\n',
    );
    assert.equal(root.name, 'List');
    assert.deepEqual(
      root.all('Key').map((key) => key.text),
      ['a', ' b '],
    );
    assert.equal(root.textOf('Key'), 'a');
    assert.equal(root.textOf('Empty'), '');
    assert.equal(root.child('D')?.text, '');
    assert.equal(root.textOf('Nowhere'), undefined);
  });

  test('reads attributes where they are requested', () => {
    const name = readXml(
      '<s:Name xmlns:s="urn:x" Encoded = "true" of=\'a "b" &amp; c\'>x</s:Name>',
    );
    assert.equal(name.attribute('Encoded'), 'true');
    assert.equal(name.attribute('of'), 'a "b" & c');
    assert.equal(name.attribute('xmlns:s'), 'urn:x');
    assert.equal(name.attribute('encoded'), undefined);
    assert.equal(readXml('<a/>').attribute('b'), undefined);
  });

  test('resolves references once, control characters too', () => {
    const text = '&lt;&gt;&amp;&quot;&apos;&#65;&#x1F648;&#x1;&amp;#65;&#13;';
    assert.equal(readXml(`<a>${text}</a>`).text, '<>&"\'A🙈\u0001&#65;\r');
    assert.equal(readXml('<a>x<![CDATA[&amp; <b>]]>y</a>').text, 'x&amp; <b>y');
    assert.equal(readXml('<a>1\r\n2\r3\n4</a>').text, '1\n2\n3\n4');
    assert.equal(readXml('\ufeff<a>00012</a>').text, '00012');
  });

  for (const [what, text] of [
    ['nothing', ''],
    ['no XML', 'Service Unavailable'],
    ['JSON', '{"Code":"x"}'],
    ['a cut document', '<a><b>1</b>'],
    ['a cut tag', '<a><b'],
    ['a cut comment', '<a><!-- x</a>'],
    ['an end tag that does not match', '<a><b></a></b>'],
    ['two roots', '<a/><b/>'],
    ['text beside the root', '<a/>x'],
    ['a page with open tags', '<html><br></html>'],
    ['an unknown reference', '<a>&nbsp;</a>'],
    ['a bare ampersand', '<a>x & y</a>'],
    ['a reference to no character', '<a>&#xD800;</a>'],
    ['a reference beyond Unicode', '<a>&#x110000;</a>'],
    ['a document type', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
    ['a document nested without end', '<a>'.repeat(100)],
  ] as const) {
    test(`refuses ${what}`, () => {
      assert.throws(() => readXml(text), XmlError);
    });
  }

  test('a text that is escaped comes back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const element = readXml(`<a b="${escapeXml(text)}">${escapeXml(text)}</a>`);
        assert.equal(element.text, text);
        assert.equal(element.attribute('b'), text);
      }),
    );
  });

  test('agrees with a parser that many use', () => {
    const parser = new XMLParser({ parseTagValue: false, trimValues: false, isArray: () => true });
    const name = fc.constantFrom('Key', 'Size', 'Owner');
    const text = fc.string({ unit: 'grapheme' }).filter((each) => each.trim() !== '');
    const { element } = fc.letrec<{ element: [string, string | XmlTree[]] }>((tie) => ({
      element: fc.tuple(
        name,
        fc.oneof({ maxDepth: 3 }, text, fc.array(tie('element'), { minLength: 1, maxLength: 4 })),
      ),
    }));
    fc.assert(
      fc.property(element, (tree) => {
        const source = write(tree);
        const root = readXml(source);
        assert.deepEqual({ [root.name]: [plain(root)] }, parser.parse(source));
      }),
    );
  });
});

type XmlTree = [string, string | XmlTree[]];

function write([name, content]: XmlTree): string {
  const inner = typeof content === 'string' ? escapeXml(content) : content.map(write).join('');
  return `<${name}>${inner}</${name}>`;
}

/** In the other parser's terms: text, or children by their names. */
function plain({ text, children }: XmlElement): unknown {
  if (children.length === 0) return text;
  const byName: Record<string, unknown[]> = {};
  for (const child of children) (byName[child.name] ??= []).push(plain(child));
  return byName;
}

test('fitsXml knows what XML 1.0 can carry', () => {
  for (const text of ['', 'plain', 'tab\tline\n\r', '中文🙈', '\ufffd', '\u007f']) {
    assert.ok(fitsXml(text), JSON.stringify(text));
  }
  for (const text of ['\0', '\u0001', '\u001f', '\ufffe', '\uffff', '\ud800']) {
    assert.ok(!fitsXml(text), JSON.stringify(text));
  }
});
