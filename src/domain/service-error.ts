/** Every way in which a request can be refused below the API, and no other. */
export type Problem =
  | 'unknown-task'
  | 'task-running'
  | 'task-already-started'
  | 'task-not-running'
  | 'too-many-tasks'
  | 'invalid-request'
  | 'endpoint-unknown'
  | 'endpoint-refused'
  | 'not-supported'
  | 'source-refused'
  | 'target-refused'
  | 'cdn-refused'
  | 'cdn-key-missing'
  | 'bad-object-key'
  | 'range-too-long'
  | 'range-too-old'
  | 'wrong-password'
  | 'signature-used'
  | 'not-found'
  | 'name-taken'
  | 'in-use'
  | 'overloaded'
  | 'unavailable'
  | 'database-fails';

/** A request that cannot be served, and why. Decide by `problem`; people read the message. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly problem: Problem;
  /** Names the field and says what to change; undefined where the message says it all. */
  readonly detail: string | undefined;

  constructor(problem: Problem, message: string, detail?: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
    this.detail = detail;
  }
}
