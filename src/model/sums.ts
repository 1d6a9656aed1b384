/** Sums of the same bytes, each where it is known. */
export interface Sums {
  /** Lower-case hex. */
  readonly md5: string | undefined;
  /** CRC-64/XZ, which clouds call ECMA-182, as an unsigned decimal. */
  readonly crc64: string | undefined;
  /** CRC-64/NVME in Base64, as S3 tells it. */
  readonly crc64nvme?: string | undefined;
}

/** Those first that are of the whole also where it was put in parts. */
export const sumKinds = ['crc64', 'crc64nvme', 'md5'] as const satisfies (keyof Sums)[];
export type SumKind = (typeof sumKinds)[number];

/** How people call them. */
export const sumNames: Readonly<Record<SumKind, string>> = {
  crc64: 'CRC-64',
  crc64nvme: 'CRC-64/NVME',
  md5: 'MD5',
};

/** A sum that is known of both and tells that these are other bytes. */
export function differingSum(one: Sums, other: Sums): SumKind | undefined {
  return sumKinds.find(
    (kind) => one[kind] !== undefined && other[kind] !== undefined && one[kind] !== other[kind],
  );
}

/** The sums that are told beside other things. */
export function sumsAlone({ md5, crc64, crc64nvme }: Sums): Sums {
  return { md5, crc64, crc64nvme };
}
