import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sentBy } from '../../../../test/kit/recorded-requests.ts';

const { signal } = new AbortController();

describe('user metadata', () => {
  for (const [dialect, headers, userMetadata, missing] of [
    ['AWS', { 'x-amz-meta-a': '1' }, { a: '1' }, 0],
    ['AWS', { 'x-amz-meta-a': '1', 'x-amz-missing-meta': '2' }, { a: '1' }, 2],
    ['AWS', { 'x-amz-missing-meta': 'some' }, {}, 0],
    ['HuaweiCloud', { 'x-obs-missing-meta': '1' }, {}, 1],
    ['Qiniu', { 'x-qn-meta-a': '1', 'x-amz-meta-b': '2' }, { a: '1', b: '2' }, 0],
  ] as const) {
    test(`${dialect}, of ${JSON.stringify(headers)}`, async () => {
      const { result } = await sentBy(dialect, [{ headers }], (store) => store.head('key', signal));
      assert.deepEqual(result.userMetadata, userMetadata);
      assert.equal(result.missingMetadata, missing);
    });
  }
});

test("a head reports whether readers of a bucket's website are redirected", async () => {
  for (const [dialect, headers, redirects] of [
    ['AWS', {}, false],
    ['AWS', { 'x-amz-website-redirect-location': '/other' }, true],
    ['HuaweiCloud', { 'x-obs-website-redirect-location': 'https://example.com' }, true],
  ] as const) {
    const { result } = await sentBy(dialect, [{ headers }], (store) => store.head('key', signal));
    assert.equal(result.redirects, redirects);
  }
});

describe('an ETag that looks like an MD5', () => {
  const md5 = '0123456789abcdef0123456789abcdef';
  const other = 'f'.repeat(32);
  const etag = `"${md5}"`;

  for (const [dialect, headers, known] of [
    ['AWS', {}, true],
    ['AWS', { 'x-amz-server-side-encryption': 'AES256' }, true],
    ['AWS', { 'x-amz-server-side-encryption': 'aws:kms' }, false],
    ['AWS', { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }, false],
    ['HuaweiCloud', {}, true],
    ['HuaweiCloud', { 'x-amz-server-side-encryption': 'AES256' }, false],
    ['HuaweiCloud', { 'x-obs-server-side-encryption': 'AES256' }, false],
    ['HuaweiCloud', { 'x-obs-object-type': 'Appendable' }, false],
    ['HuaweiCloud', { 'x-amz-object-type': 'Appendable' }, false],
    ['Aliyun', { 'x-oss-object-type': 'Normal' }, true],
    ['Aliyun', { 'x-oss-object-type': 'Appendable' }, false],
    ['Aliyun', { 'x-oss-server-side-encryption': 'AES256' }, true],
    ['Tencent', { 'x-cos-object-type': 'normal' }, true],
    ['Tencent', { 'x-cos-object-type': 'appendable' }, false],
    ['QingCloud', {}, false],
    ['Qiniu', {}, false],
    ['UCloud', {}, false],
  ] as const) {
    test(`${dialect}, a head with ${JSON.stringify(headers)}: ${known ? 'is one' : 'is none'}`, async () => {
      const replies = [{ headers: { ...headers, etag } }];
      const { result } = await sentBy(dialect, replies, (store) => store.head('key', signal));
      assert.equal(result.md5, known ? md5 : undefined);
    });
  }

  for (const [dialect, sent, known] of [
    ['AWS', undefined, true],
    ['AWS', other, true],
    ['QingCloud', undefined, true],
    // A bucket may encrypt by itself, and then it is another checksum of the same bytes.
    ['HuaweiCloud', md5, true],
    ['HuaweiCloud', other, false],
    ['HuaweiCloud', undefined, false],
    ['Qiniu', md5, false],
  ] as const) {
    test(`${dialect}, a receipt for ${sent ?? 'bytes without a checksum'}: ${known ? 'is one' : 'is none'}`, async () => {
      const body = { content: Buffer.from('x'), size: 1, md5: sent };
      const replies = [{ headers: { etag } }];
      const put = await sentBy(dialect, replies, (store) => store.put('key', body, {}, signal));
      assert.equal(put.result.md5, known ? md5 : undefined);
      const part = await sentBy(dialect, replies, (store) =>
        store.resumeParts('key', 'u').putPart(1, body, signal),
      );
      assert.equal(part.result.md5, known ? md5 : undefined);
    });
  }

  test('of an object in parts, or of a copy, is none', async () => {
    const completed = `<CompleteMultipartUploadResult><ETag>${md5}</ETag></CompleteMultipartUploadResult>`;
    const whole = await sentBy('QingCloud', [{ text: completed }], (store) =>
      store.resumeParts('key', 'u').complete([{ number: 1, etag }], signal),
    );
    assert.equal(whole.result.md5, undefined);
    const copied = `<CopyObjectResult><ETag>${md5}</ETag></CopyObjectResult>`;
    const copy = await sentBy('AWS', [{ text: copied }], (store) =>
      store.copy({ bucket: 'other', key: 'key' }, 'key', signal),
    );
    assert.equal(copy.result.md5, undefined);
  });
});
