import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { jsonErrorIn } from './json-error.ts';
import { RequestError } from './request-error.ts';

/** The content types that clients send with JSON; `fetch` sends a string as `text/plain`. */
const jsonLike = /^\s*(?:application\/json|text\/json|text\/plain|[^;\s]+\+json)\s*(?:;|$)/i;

/**
 * Reads bodies as JSON for each of these content types. An empty body counts as absent, because SDKs send a
 * JSON content type with `Content-Length: 0`. Where a route has no body, a body is ignored.
 */
export const jsonBodies = fp(
  async (app) => {
    // Names that would change the prototype of an object are removed: they are unknown fields like others.
    const parse = app.getDefaultJsonParser('remove', 'remove');
    app.removeAllContentTypeParsers();
    // `bodies` has read the bytes and compared them with their limits; a signature was verified on them.
    app.addContentTypeParser('*', (request, _payload, done) => {
      const { bytes = Buffer.alloc(0) } = request;
      if (bytes.length === 0 || request.routeOptions.schema?.body === undefined) {
        done(null, undefined);
      } else if (!isUtf8(bytes)) {
        done(new RequestError('not-json', 'the body is not UTF-8'));
      } else {
        const text = bytes.toString('utf8');
        // The parser's own error does not say where the text is wrong.
        void parse(request, text, (error, value) => {
          if (error === null) done(null, value);
          else done(notJson(text));
        });
      }
    });
  },
  { name: 'json-bodies' },
);

function notJson(text: string): RequestError {
  const { line, column } = jsonErrorIn(text) ?? { line: 1, column: 1 };
  return new RequestError(
    'not-json',
    `the body is not valid JSON at line ${line}, column ${column}`,
  );
}

/** @throws {RequestError} when the head says that the body is something else, or is compressed. */
export function assertJson({ headers }: Pick<FastifyRequest, 'headers'>): void {
  if (!/^\s*(?:identity\s*)?$/i.test(headers['content-encoding'] ?? '')) {
    throw new RequestError('wrong-media-type', 'send the body without a Content-Encoding');
  }
  if (!jsonLike.test(headers['content-type'] ?? 'application/json')) {
    throw new RequestError('wrong-media-type', 'send the Content-Type application/json');
  }
}
