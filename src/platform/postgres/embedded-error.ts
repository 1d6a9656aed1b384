/** The private PostgreSQL cannot be started or does not work; the message says what to do. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError';
}
