/** The codes this server answers with, and the status of each. */
const statuses = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  AuthorizationQueryParametersError: 400,
  BadDigest: 400,
  BucketNotEmpty: 409,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  FileAlreadyExists: 409,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidBucketName: 400,
  InvalidCRC64: 400,
  InvalidDigest: 400,
  InvalidObjectName: 400,
  InvalidObjectState: 403,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  InvalidSecurityToken: 403,
  InvalidSessionToken: 400,
  InvalidStorageClass: 400,
  InvalidTag: 400,
  InvalidToken: 400,
  InvalidTokenId: 403,
  InvalidURI: 400,
  KeyTooLongError: 400,
  MalformedXML: 400,
  MetadataTooLarge: 400,
  MethodNotAllowed: 405,
  MissingContentLength: 411,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NoSuchVersion: 404,
  NotImplemented: 501,
  OperationNotSupported: 400,
  PermanentRedirect: 301,
  PreconditionFailed: 412,
  RequestExpired: 400,
  RequestTimeTooSkewed: 403,
  RestoreAlreadyInProgress: 409,
  SecondLevelDomainForbidden: 403,
  SignatureDoesNotMatch: 403,
  TemporaryRedirect: 307,
  XAmzContentSHA256Mismatch: 400,
} as const satisfies Record<string, number>;

export type S3Code = keyof typeof statuses;

/** An answer of failure: thrown anywhere while a request is served, and sent as S3's XML. */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly code: S3Code;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** More elements of the document. */
  readonly details: Readonly<Record<string, string>>;

  constructor(
    code: S3Code,
    message: string = code,
    headers: Readonly<Record<string, string>> = {},
    details: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.code = code;
    this.status = statuses[code];
    this.headers = headers;
    this.details = details;
  }
}

/** The client disconnected before its request had arrived, so no answer can be sent. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}
