/** A command that talks to a service could not do what was asked; the message says why, and what to do. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError';
}
