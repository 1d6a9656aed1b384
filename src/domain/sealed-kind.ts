/** What is sealed: the credentials of a task, or the secret of an access key. */
export type SealedKind = 'task' | 'access key';

/** What a sealed value is bound to: it opens for nothing else. */
export function sealedContext(kind: SealedKind, id: string): string {
  return kind === 'task' ? `sync-task ${id}` : `access key ${id}`;
}
