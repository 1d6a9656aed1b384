/** How a cloud's S3-like protocol differs. Facts only. */
export interface Dialect {
  /** Carries CRC-64/XZ as an unsigned decimal, both ways. */
  readonly crc64Header: string | undefined;
  readonly listsVersion2: boolean;
  /** Bytes; every part but the last must reach it. */
  readonly partSizeMin: number;
}

export const dialects = {
  /** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
  s3: { crc64Header: undefined, listsVersion2: true, partSizeMin: 5 * 1024 ** 2 },
  /** Parallel file systems know no second version; https://support.huaweicloud.com/intl/en-us/api-obs/ */
  obs: {
    crc64Header: 'x-amz-checksum-crc64ecma',
    listsVersion2: false,
    partSizeMin: 100 * 1024,
  },
} as const satisfies Record<string, Dialect>;

export type DialectName = keyof typeof dialects;
