import type { MetadataLimits } from '../model/metadata.ts';
import { encodeMetadata, type MetadataCodec } from './metadata-text.ts';

/** How much user metadata a store keeps, in bytes. */
export interface MetadataSizes {
  /** Of one name, without the prefix; not limited by itself unless given. */
  readonly nameMax?: number;
  /** Of one entry; not limited by itself unless given. */
  readonly entryMax?: number;
  /** Of all together. */
  readonly allMax: number;
  /**
   * What counts: names without prefix and the text that is stored; names without prefix and values as
   * they are sent; or headers, with the prefix.
   */
  readonly counted: 'text' | 'sent' | 'headers';
}

export function limitsOf(
  { allMax, entryMax = Infinity, nameMax = Infinity, counted }: MetadataSizes,
  codec: MetadataCodec,
  prefix: string,
): MetadataLimits {
  const beside = counted === 'headers' ? prefix.length : 0;
  const sizeOf = (name: string, value: string): number => {
    const stored = counted === 'text' ? value : encodeMetadata(value, codec);
    return beside + Buffer.byteLength(name) + Buffer.byteLength(stored);
  };
  return { nameMax, entryMax, allMax, sizeOf };
}
