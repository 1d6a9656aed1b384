import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { s3DialectNames } from '../../../test/kit/played-clouds.ts';
import { s3Dialects } from '../stores/s3/dialects.ts';
import { combineCrc64, type Crc64Kind, startCrc64 } from './crc64.ts';
import { proves, series } from '../../../test/kit/matrix/proves.ts';

async function crc64(...pieces: (string | Uint8Array)[]): Promise<string> {
  return await crcOf('crc64', pieces);
}

async function crcOf(kind: Crc64Kind, pieces: readonly (string | Uint8Array)[]): Promise<string> {
  const crc = await startCrc64(kind);
  for (const piece of pieces) crc.update(Buffer.from(piece));
  return crc.digest();
}

/** Bit by bit, straight from the definition: slow, and hard to get wrong. */
function reference(bytes: Uint8Array, polynomial: bigint): bigint {
  let crc = 0xffff_ffff_ffff_ffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 1n) === 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    }
  }
  return crc ^ 0xffff_ffff_ffff_ffffn;
}

const checkValues = series('crc64', { way: 'vector' });
const withXz = s3DialectNames.filter((name) => s3Dialects[name].crc64Header !== undefined);

test('the check values of CRC-64/XZ', {
  ...checkValues,
  ...proves('CRC-64', ...withXz),
}, async () => {
  assert.equal(await crc64(), '0');
  assert.equal(await crc64('123456789'), '11051210869376104954');
  assert.equal(await crc64('12345'), '6748440630437108969');
  assert.equal(await crc64('6789'), '10278880121275185425');
  assert.equal(await crc64(Buffer.alloc(2 ** 20)), '6947770692288575170');
});

test('the check values of CRC-64/NVME, in Base64', {
  ...checkValues,
  ...proves('CRC-64', 'AWS', 'Azure'),
}, async () => {
  assert.equal(await crcOf('crc64nvme', []), 'AAAAAAAAAAA=');
  assert.equal(await crcOf('crc64nvme', ['123456789']), 'rosUhgp5mIg=');
});

test('a CRC is taken in pieces, and once', async () => {
  assert.equal(await crc64('12', '', '3456', '789'), '11051210869376104954');
  const crc = await startCrc64();
  crc.digest();
  assert.throws(() => crc.digest());
  assert.throws(() => crc.update(Buffer.from('x')));
});

test('CRCs taken at the same time do not mix', async () => {
  const [a, b] = [await startCrc64(), await startCrc64()];
  a.update(Buffer.from('12345'));
  b.update(Buffer.from('6789'));
  assert.equal(b.digest(), '10278880121275185425');
  assert.equal(a.update(Buffer.from('6789')).digest(), '11051210869376104954');
});

test('they are the CRCs of their definitions', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      assert.equal(await crc64(bytes), reference(bytes, 0xc96c_5795_d787_0f42n).toString());
      const nvme = Buffer.from(await crcOf('crc64nvme', [bytes]), 'base64').readBigUInt64BE();
      assert.equal(nvme, reference(bytes, 0x9a6c_9329_ac4b_c9b5n));
    }),
  );
});

test('the CRC of a whole comes from those of its parts', async () => {
  assert.equal(
    combineCrc64('6748440630437108969', '10278880121275185425', 4),
    '11051210869376104954',
  );
  const mebibyte = '6947770692288575170';
  assert.equal(combineCrc64(mebibyte, mebibyte, 2 ** 20), '2161324877613257654');
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), fc.uint8Array(), async (a, b) => {
      for (const kind of ['crc64', 'crc64nvme'] as const) {
        const [first, second] = [await crcOf(kind, [a]), await crcOf(kind, [b])];
        const whole = await crcOf(kind, [a, b]);
        assert.equal(combineCrc64(first, second, b.length, kind), whole);
      }
    }),
  );
});
