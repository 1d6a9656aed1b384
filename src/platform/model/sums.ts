import type { Crc64Kind } from '../base/crc64.ts';

/** Sums of the same bytes, each where it is known. */
export interface Sums {
  /** Lower-case hex. */
  readonly md5: string | undefined;
  /** CRC-64/XZ, which clouds call ECMA-182, as an unsigned decimal. */
  readonly crc64: string | undefined;
  /** CRC-64/NVME in Base64, as S3 reports it. */
  readonly crc64nvme?: string | undefined;
}

export const crcKinds = ['crc64', 'crc64nvme'] as const satisfies Crc64Kind[];
export type Crcs = Pick<Sums, Crc64Kind>;

/** Those first that are of the whole also where it was put in parts. */
export const sumKinds = [...crcKinds, 'md5'] as const satisfies (keyof Sums)[];
export type SumKind = (typeof sumKinds)[number];

/** How people call them. */
export const sumNames: Readonly<Record<SumKind, string>> = {
  crc64: 'CRC-64',
  crc64nvme: 'CRC-64/NVME',
  md5: 'MD5',
};

/** All checksums that are known of both and differ. */
export function differingKinds(one: Sums, other: Sums): SumKind[] {
  return sumKinds.filter(
    (kind) => one[kind] !== undefined && other[kind] !== undefined && one[kind] !== other[kind],
  );
}

/** The CRC-64 that is known of both, if any. */
export function comparableCrc(one: Sums, other: Sums): Crc64Kind | undefined {
  return crcKinds.find((kind) => one[kind] !== undefined && other[kind] !== undefined);
}

export function crcsAlone({ crc64, crc64nvme }: Sums): Crcs {
  return { crc64, crc64nvme };
}

/** The sums alone, without the other properties of the object. */
export function sumsAlone({ md5, crc64, crc64nvme }: Sums): Sums {
  return { md5, crc64, crc64nvme };
}
