import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type AnswerOptions, answerWith, type RawAnswer } from './raw-provider.ts';

type Headers = NonNullable<AnswerOptions['headers']>;

/** Content codings, each with the name that a header gives it. Identity is also named by no header. */
export const codings: [coding: string | null, encode: (body: string) => Buffer][] = [
  [null, (body) => Buffer.from(body)],
  ['identity', (body) => Buffer.from(body)],
  ['gzip', (body) => gzipSync(body)],
  ['x-gzip', (body) => gzipSync(body)],
  ['deflate', (body) => deflateSync(body)],
  ['deflate', (body) => deflateRawSync(body)],
  ['br', (body) => brotliCompressSync(body)],
  ['deflate, gzip', (body) => gzipSync(deflateSync(body))],
];

/** Headers that say nothing about the body, up to 60 KB of them. */
export const harmlessHeaders: fc.Arbitrary<Headers> = fc
  .tuple(fc.nat(60), fc.stringMatching(/^[\x21-\x7e]{0,40}$/))
  .map(([lines, value]) =>
    Array.from({ length: lines }, (_, at): [string, string] => [`x-trace-${at}`, value.padEnd(960, 'x')]),
  );

const json = 'application/json';
export const contentTypes: fc.Arbitrary<Headers> = fc
  .constantFrom(json, `${json};charset=utf-16`, 'text/html', 'text/plain', 'image/png', 'application/jwt', '', ';;=,')
  .map((type): Headers => [['content-type', type]]);

const errors = ['invalid_grant', 'invalid_client', 'unauthorized_client', 'invalid_scope', 'slow_down', 'server_error'];

/** Large values have names, so that a failure can be printed. */
const large: Record<string, string> = { 'a large body': 'x'.repeat(300_000), 'a large header': 'x'.repeat(100_000) };

const bodies = fc.oneof(
  fc.constantFrom(...errors).map((error) => JSON.stringify({ error, error_description: 'no' })),
  fc.constantFrom('', '<html>error</html>', '[]', 'null', '{"access_token":', '{"ok":false}', 'a large body'),
  fc.constantFrom('access_token=a&expires_in=1', '{"access_token":"a","refresh_token":"b","expires_in":-1}'),
  fc.json({ maxDepth: 2 }),
);

const steering: fc.Arbitrary<Headers> = fc.constantFrom<Headers>(
  [],
  [['retry-after', '86400']],
  [['retry-after', '-1']],
  [['retry-after', 'Thu, 01 Jan 2099 00:00:00 GMT']],
  [['location', '/token']],
  [['content-encoding', 'gzip']],
  [['date', 'Thu, 01 Jan 1970 00:00:00 GMT']],
  [['set-cookie', 'a=b; Path=/']],
  [['no colon\r\nx', '']],
  [['x-large', 'a large header']],
);

const statuses = fc.constantFrom(200, 201, 204, 302, 307, 400, 401, 403, 404, 408, 429, 500, 502, 503, 504, 599);

export interface ArbitraryAnswer {
  status: number;
  body: string;
  headers: Headers;
  framing: 'length' | 'chunked' | 'close';
  /** Null sends all of the body. */
  cutAt: number | null;
  pauseMs: number;
  ending: RawAnswer['ending'];
}

/** Answers of a provider that may send anything: status × body × headers × framing × cut × delay × ending. */
export const arbitraryAnswer: fc.Arbitrary<ArbitraryAnswer> = fc.record({
  status: statuses,
  body: bodies,
  headers: fc.tuple(contentTypes, steering).map((parts) => parts.flat()),
  framing: fc.constantFrom('length', 'chunked', 'close'),
  cutAt: fc.option(fc.nat(60)),
  pauseMs: fc.constantFrom(0, 0, 50, 400),
  ending: fc.constantFrom('close', 'close', 'reset', 'open'),
});

/** The bytes of an arbitrary answer. */
export function bytesOf({ body, headers, cutAt, ...options }: ArbitraryAnswer): RawAnswer {
  return answerWith(large[body] ?? body, {
    ...options,
    headers: headers.map(([name, value]) => [name, large[value] ?? value]),
    ...(cutAt !== null && { cutAt }),
  });
}
