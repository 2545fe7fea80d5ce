import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BrokerError, invalidRequest } from '../domain/errors.ts';
import { findRepeatedMember } from '../domain/json/repeated-member.ts';
import { dotted } from './validation/faults.ts';

/** Generous for any configuration; a body beyond it is a mistake or an attack. */
export const bodyLimitBytes = 256 * 1024;

/** JSON and JSON merge patches; an empty body of any type counts as no body. */
export function registerBodyParsing(app: FastifyInstance): void {
  refuseEncodedBodies(app);
  // Members named __proto__ are refused as invalid JSON.
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'buffer' },
    (request, body, done) => {
      const text = decode(body);
      if (text.trim() === '') done(null, undefined);
      else
        parse(request, text, (error, parsed) => {
          const repeated = error === null ? findRepeatedMember(text) : undefined;
          if (repeated === undefined) done(error, parsed);
          else done(invalidRequest({ path: dotted(repeated), message: 'is there more than once' }));
        });
    },
  );
  takeEmptyBodies(app);
}

/** Parses forms, for the routes of `app`, with a function that throws invalid_request. These routes take no JSON. */
export function registerFormParsing(app: FastifyInstance, bodyLimit: number, parse: (form: string) => unknown): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<Buffer>(
    'application/x-www-form-urlencoded',
    { parseAs: 'buffer', bodyLimit },
    (_request, body, done) => done(null, parse(decode(body))),
  );
  takeEmptyBodies(app);
}

/** Hands bodies of one media type to the routes of `app` as a stream. These routes take no other body. */
export function registerStreamedBodies(app: FastifyInstance, mediaType: string): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(mediaType, (_request, payload, done) => done(null, payload));
  takeEmptyBodies(app);
}

/** Takes an empty body whatever its media type: some clients name one for every request. */
function takeEmptyBodies(app: FastifyInstance): void {
  app.addContentTypeParser('*', (request, _payload, done) => {
    if (hasBody(request) && !request.is404)
      done(BrokerError.of('unsupported_media_type', 'This media type is not taken here.'));
    else done(null, undefined);
  });
}

/** Refuses bodies in a coding or charset that is not decoded here: read as plain UTF-8 they would be other texts. */
function refuseEncodedBodies(app: FastifyInstance): void {
  app.addHook('preParsing', (request, reply, _payload, done) => {
    // The body of GET is never read.
    if (request.is404 || request.method === 'GET' || !hasBody(request)) return done();
    if (codingsOf(request).some((coding) => coding !== 'identity')) {
      // RFC 9110 §12.5.3: the response lists the codings that the server takes.
      reply.header('accept-encoding', 'identity');
      return done(BrokerError.of('unsupported_media_type', 'Send the body without Content-Encoding.'));
    }
    if (charsetsOf(request).some((charset) => !charsets.has(charset)))
      return done(BrokerError.of('unsupported_media_type', 'Send the body in UTF-8.'));
    done();
  });
}

function hasBody({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Codings of the body, and of its transfer apart from the chunks that the HTTP parser has joined (RFC 9112 §7). */
function codingsOf({ headers }: FastifyRequest): string[] {
  const transfer = headers['transfer-encoding']?.replace(/chunked\s*$/i, '');
  return [headers['content-encoding'] ?? '', transfer ?? '']
    .flatMap((codings) => codings.split(','))
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '');
}

/** Names of UTF-8 and of a part of it. */
const charsets = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);

/** Charsets of Content-Type. More than one is ambiguous unless each is taken. */
function charsetsOf({ headers }: FastifyRequest): string[] {
  const parameters = (headers['content-type'] ?? '').matchAll(/;\s*charset\s*=\s*(?:"([^"]*)"|([^;\s]*))/gi);
  return [...parameters].map(([, quoted, plain]) => (quoted ?? plain ?? '').toLowerCase());
}

/** Throws invalid_request for bytes that are not UTF-8. Replacing them could change a secret without notice. */
function decode(body: Buffer): string {
  if (!isUtf8(body)) throw invalidRequest({ path: 'body', message: 'is not valid UTF-8' });
  return body.toString('utf8');
}
