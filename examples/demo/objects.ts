import { createHash } from 'node:crypto';
import { KiB, MiB } from '../../src/platform/base/bytes.ts';
import type { PutOptions, Store } from '../../src/platform/stores/store.ts';

/** An object of the demo. It is generated from its number each time it is needed. */
export interface DemoObject {
  readonly key: string;
  readonly size: number;
  readonly options: PutOptions;
}

const SMALL = 3_000;
const PIECE = MiB;

const oddNames = [
  'with space and + plus.txt',
  'percent%20and%2Fslash.txt',
  'unicode/日本語/ключ/é.txt',
  'emoji/🪣🧑‍🚒.txt',
  '/leading-slash',
  'double//slash',
  'dots/../and/./dots',
  'trailing/slash/',
  `quotes'"<&>.xml`,
  `long/${'x'.repeat(1000)}`,
];

/** A few thousand objects: small ones, odd names, metadata, and one of 128 MiB. */
export function demoObjects(): DemoObject[] {
  const small = Array.from({ length: SMALL }, (_, index) => ({
    key: `photos/2026/${String(index % 12).padStart(2, '0')}/img-${String(index).padStart(5, '0')}.jpg`,
    size: (index * 37) % (16 * KiB),
    options: { contentType: 'image/jpeg' },
  }));
  const odd = oddNames.map((key, index) => ({
    key,
    size: 100 + index,
    options: {
      contentType: 'text/plain; charset=utf-8',
      contentHeaders: { 'cache-control': 'max-age=60' },
      userMetadata: { owner: 'fire-brigade', note: 'naïve café' },
    },
  }));
  const medium = Array.from({ length: 8 }, (_, index) => ({
    key: `videos/clip-${index}.mp4`,
    size: 2 * MiB + index,
    options: { contentType: 'video/mp4' },
  }));
  const large = {
    key: 'backups/database.tar',
    size: 128 * MiB,
    options: { contentType: 'application/x-tar' },
  };
  return [large, ...medium, ...odd, ...small];
}

/** Bytes that differ from object to object and from place to place. */
async function* content(key: string, size: number): AsyncGenerator<Uint8Array> {
  const seed = createHash('sha256').update(key).digest();
  const piece = Buffer.alloc(Math.min(PIECE, size));
  for (let at = 0; at < piece.length; at += 32) {
    seed.writeUInt32LE(at, 0);
    seed.copy(piece, at);
  }
  for (let sent = 0, number = 0; sent < size; number++) {
    if (piece.length >= 8) piece.writeUInt32LE(number, 4);
    const length = Math.min(piece.length, size - sent);
    yield Buffer.from(piece.subarray(0, length));
    sent += length;
  }
}

export async function putDemoObject(
  store: Store,
  { key, size, options }: DemoObject,
  signal: AbortSignal,
): Promise<void> {
  const body = size > PIECE ? content(key, size) : await gather(content(key, size));
  await store.put(key, { content: body, size }, options, signal);
}

async function gather(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Buffer.concat(await Array.fromAsync(stream));
}

/** Reads an object back and compares it byte for byte, and what is written beside the bytes. */
export async function isWhole(
  store: Store,
  { key, size, options }: DemoObject,
  signal: AbortSignal,
): Promise<boolean> {
  const { head, body } = await store.read(key, {}, signal);
  const found = createHash('sha256');
  for await (const chunk of body) found.update(chunk);
  const wanted = createHash('sha256');
  for await (const chunk of content(key, size)) wanted.update(chunk);
  return (
    head.size === size &&
    found.digest('hex') === wanted.digest('hex') &&
    head.contentType === options.contentType &&
    Object.entries(options.userMetadata ?? {}).every(
      ([name, value]) => head.userMetadata[name] === value,
    )
  );
}
