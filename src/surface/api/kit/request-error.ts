/** The errors of a request that are found before a use case handles it. */
export type RequestProblem =
  | 'no-such-route'
  | 'unauthenticated'
  | 'not-allowed'
  | 'missing-parameter'
  | 'wrong-type'
  | 'invalid-parameter'
  | 'forbidden-characters'
  | 'not-json'
  | 'wrong-media-type'
  | 'body-too-large'
  | 'url-too-long'
  | 'bad-http'
  | 'too-many-requests';

/** A request that the API layer refuses itself. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly problem: RequestProblem;
  /** For the caller: what is wrong, by names and limits. Never a value that was sent. */
  readonly detail: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    problem: RequestProblem,
    detail: string,
    options?: ErrorOptions & { readonly retryAfterSeconds?: number },
  ) {
    super(`${problem}: ${detail}`, options);
    this.problem = problem;
    this.detail = detail;
    this.retryAfterSeconds = options?.retryAfterSeconds;
  }
}
