import type { S3DialectName } from '../../src/stores/s3/dialects.ts';

/** Promises that a cloud itself breaks, wherever it is tried, with the fact. */
export const exceptionsOf: Readonly<
  Partial<Record<S3DialectName, Readonly<Record<string, string>>>>
> = {
  // https://www.alibabacloud.com/help/en/oss/user-guide/object-overview
  Aliyun: {
    'a name may begin with a slash': 'OSS refuses names that begin with a slash',
    'a name may have 1,024 bytes, and no more': 'names have 1,023 bytes at OSS',
  },
};
