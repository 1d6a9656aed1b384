/*
 * What Kodo says, and the status of each: https://developer.qiniu.com/kodo/3928/error-responses. Words
 * that neither that page nor https://developer.qiniu.com/kodo/kb/1330/upload-error-code-401 has are ours.
 */
const statuses = {
  'bad token': 401,
  'expired token': 401,
  'token out of date': 401,
  'download token not specified': 401,
  "key doesn't match with scope": 403,
  'the file is archived': 403,
  'Document not found': 404,
  'no such method': 404,
  'invalid crc32': 406,
  'invalid md5': 406,
  'file size exceeds the limit': 413,
  'invalid argument': 400,
  'invalid multipart format': 400,
  'invalid part': 400,
  'the part is too small': 400,
  'the file is not archived': 400,
  'not played here': 501,
  'too many requests': 573,
  'no such file or directory': 612,
  'no such uploadId': 612,
  'file exists': 614,
  'no such bucket': 631,
} as const satisfies Record<string, number>;

type KodoWords = keyof typeof statuses;

/** An answer of failure: thrown anywhere while a request is served, and sent as Kodo's JSON. */
export class KodoError extends Error {
  override readonly name = 'KodoError';
  readonly status: number;

  constructor(words: KodoWords) {
    super(words);
    this.status = statuses[words];
  }
}
