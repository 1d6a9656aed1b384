import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { RequestError } from './request-error.ts';

/** What clients call JSON; `fetch` calls a string `text/plain`. */
const jsonLike = /^\s*(?:application\/json|text\/json|text\/plain|[^;\s]+\+json)\s*(?:;|$)/i;

/**
 * Reads bodies as JSON whatever the clients call it. An empty body is none at all: SDKs send a JSON
 * content type with `Content-Length: 0`. Where a route has no body, what is sent is not looked at.
 */
export function readJsonBodies(app: FastifyInstance): void {
  // Names that would change what an object is are taken out: they are unknown fields like others.
  const parse = app.getDefaultJsonParser('remove', 'remove');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (request, bytes, done) => {
    if (bytes.length === 0 || request.routeOptions.schema?.body === undefined) {
      done(null, undefined);
      return;
    }
    const type = request.headers['content-type'] ?? 'application/json';
    if (!jsonLike.test(type)) {
      done(new RequestError('wrong-media-type', 'send the Content-Type application/json'));
    } else if (!isUtf8(bytes)) {
      done(new RequestError('not-json', 'the body is not UTF-8'));
    } else {
      void parse(request, bytes.toString('utf8'), done);
    }
  });
}
