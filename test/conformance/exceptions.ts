import type { StoreDialect } from '../../src/platform/stores/providers.ts';

/** Names that MinIO does not take, because they are paths of its file system. */
const noPath = 'MinIO refuses empty segments, those of dots, and those of more than 255 bytes';
const slashes = 'MinIO drops slashes that a name begins with, so that no such name is sent';

const unnamed = 'Azure cannot be trusted with such a name, so it is refused';

/** Promises that a cloud itself breaks, wherever it is tried, with the fact. */
export const exceptionsOf: Readonly<
  Partial<Record<StoreDialect, Readonly<Record<string, string>>>>
> = {
  // https://www.alibabacloud.com/help/en/oss/user-guide/object-overview
  Aliyun: {
    'a name may begin with a slash': 'OSS refuses names that begin with a slash',
    'a name may have 1,024 bytes, and no more': 'names have 1,023 bytes at OSS',
  },
  // Seen with MinIO of 12 February 2026.
  MinIO: {
    'an object named "a/b//c" comes back under that name': noPath,
    'an object named "./dot/../segments/.." comes back under that name': noPath,
    'an object named ".." comes back under that name': noPath,
    'an object named "//double" comes back under that name': noPath,
    'an object named "xxxxxxxxxxxxxxxxxxxx…" comes back under that name': noPath,
    'a name may begin with a slash': slashes,
    'a name may have 1,024 bytes, and no more': noPath,
    'odd names are removed together': 'some are refused; minio-store.test.ts has the others',
    'entries come in the order of their UTF-8 bytes':
      'MinIO does not list an object whose name continues the name of another object with a slash',
  },
  // A backslash becomes a slash, and segments of dots are folded by URLs:
  // https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
  Azure: {
    'an object named "./dot/../segments/.." comes back under that name': unnamed,
    'an object named ".." comes back under that name': unnamed,
    [`an object named ${JSON.stringify("!'()*~-._;:@=,$[]{}|\\^`")} comes back under that name`]:
      unnamed,
    'odd names are removed together': 'some are refused; azure-sdk.test.ts has the others',
  },
};
