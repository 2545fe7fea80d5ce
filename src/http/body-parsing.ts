import type { FastifyInstance } from 'fastify';

/** Generous for any configuration; a body beyond it is a mistake or an attack. */
export const bodyLimitBytes = 256 * 1024;

/** JSON and JSON merge patches; an empty body counts as no body. Members named __proto__ are refused as invalid JSON. */
export function registerBodyParsing(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'string' },
    (request, body, done) => {
      if (body.trim() === '') done(null, undefined);
      else parse(request, body, done);
    },
  );
}
