/** A command that talks to a service failed; the message says why, and what to do. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
}
