import type { PutBody, ReadBody } from './bodies.ts';

/**
 * Ends the stream of a put that has failed, perhaps before it was begun: it may be the body of a
 * read, and hold a connection and a place. One that is over already does not mind.
 */
export function letGo({ content }: PutBody): void {
  if (content instanceof Uint8Array) return;
  if (isReadBody(content)) content.discard();
  else content[Symbol.asyncIterator]().return?.().catch(ignored);
}

/** Runs a put or the put of a part; when it fails, its stream is released. */
export async function orLetGo<T>(body: PutBody, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    letGo(body);
    throw error;
  }
}

function isReadBody(content: AsyncIterable<Uint8Array>): content is ReadBody {
  return 'discard' in content && typeof content.discard === 'function';
}

/** A stream's last words: what matters is why the put has failed. */
function ignored(): void {
  // Nothing to do.
}
