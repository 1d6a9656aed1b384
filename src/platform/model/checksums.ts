import type { Crc64Kind } from '../base/crc64.ts';

/** Checksums of the same bytes, each where it is known. */
export interface Checksums {
  /** Lower-case hex. */
  readonly md5: string | undefined;
  /** CRC-64/XZ, which clouds call ECMA-182, as an unsigned decimal. */
  readonly crc64: string | undefined;
  /** CRC-64/NVME in Base64, as S3 reports it. */
  readonly crc64nvme?: string | undefined;
}

export const crcKinds = ['crc64', 'crc64nvme'] as const satisfies Crc64Kind[];
export type Crcs = Pick<Checksums, Crc64Kind>;

/** Those first that are of the whole also where it was put in parts. */
export const checksumKinds = [...crcKinds, 'md5'] as const satisfies (keyof Checksums)[];
export type ChecksumKind = (typeof checksumKinds)[number];

/** How people call them. */
export const checksumNames: Readonly<Record<ChecksumKind, string>> = {
  crc64: 'CRC-64',
  crc64nvme: 'CRC-64/NVME',
  md5: 'MD5',
};

/** All checksums that are known of both and differ. */
export function differingKinds(one: Checksums, other: Checksums): ChecksumKind[] {
  return checksumKinds.filter(
    (kind) => one[kind] !== undefined && other[kind] !== undefined && one[kind] !== other[kind],
  );
}

/** The CRC-64 that is known of both, if any. */
export function comparableCrc(one: Checksums, other: Checksums): Crc64Kind | undefined {
  return crcKinds.find((kind) => one[kind] !== undefined && other[kind] !== undefined);
}

export function crcsAlone({ crc64, crc64nvme }: Checksums): Crcs {
  return { crc64, crc64nvme };
}

/** The checksums alone, without the other properties of the object. */
export function checksumsAlone({ md5, crc64, crc64nvme }: Checksums): Checksums {
  return { md5, crc64, crc64nvme };
}
