import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createResponseBody, readContentCodings } from '../../../src/outbound/response-body.ts';

const maxBytes = 256 * 1024;

function read(bytes: Buffer, coding: string, isComplete = true) {
  const body = createResponseBody(maxBytes);
  const codings = readContentCodings(coding);
  if (codings === null) throw new Error(`unknown coding ${coding}`);
  return body.add(bytes) ? body.read(codings, isComplete) : { body: null, isComplete: true };
}

const encoders: [coding: string, encode: (text: string) => Buffer][] = [
  ['gzip', (text) => gzipSync(text)],
  ['X-GZIP', (text) => gzipSync(text)],
  ['deflate', (text) => deflateSync(text)],
  ['Deflate', (text) => deflateRawSync(text)],
  ['br', (text) => brotliCompressSync(text)],
  ['identity', (text) => Buffer.from(text)],
  ['', (text) => Buffer.from(text)],
  ['gzip, identity', (text) => gzipSync(text)],
  ['gzip, br', (text) => brotliCompressSync(gzipSync(text))],
];

describe.each(encoders)('content coding %j', (coding, encode) => {
  test('every text is the same after encoding and decoding', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(read(encode(text), coding)).toEqual({ body: Buffer.from(text).toString('utf8'), isComplete: true });
      }),
      { numRuns: 50 },
    );
  });

  test('a text of the maximum length is decoded, and one byte more is not', () => {
    expect(read(encode('x'.repeat(maxBytes)), coding).body).toHaveLength(maxBytes);
    expect(read(encode('x'.repeat(maxBytes + 1)), coding)).toEqual({ body: null, isComplete: true });
  });

  test('a body that was cut gives its beginning, marked as incomplete', () => {
    const whole = '{"access_token":"a"}'.repeat(400);
    const encoded = encode(whole);
    const { body, isComplete } = read(encoded.subarray(0, encoded.length - 3), coding, false);
    expect(isComplete).toBe(false);
    expect(whole.startsWith(body ?? 'nothing')).toBe(true);
  });
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
])('a bomb in %s stops at the limit', (coding, encode) => {
  const bomb = encode(Buffer.alloc(10 * 1024 * 1024, 0x20));
  const before = process.memoryUsage().arrayBuffers;
  expect(read(bomb, coding).body).toBeNull();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * 1024 * 1024);
});

test('a stream that was cut before it was encoded is marked as incomplete although its transfer was complete', () => {
  const encoded = gzipSync('a=b&c=d'.repeat(300));
  expect(read(encoded.subarray(0, -9), 'gzip', true)).toMatchObject({ isComplete: false });
});

test('a plain text under the name of a coding is read as it is', () => {
  for (const coding of ['gzip', 'br', 'gzip, br'])
    expect(read(Buffer.from('{"a":1}'), coding)).toEqual({ body: '{"a":1}', isComplete: true });
});

test.each(['zstd', 'compress', 'gzip, zstd', 'utf-8', 'gzip;q=1', 'gzip, gzip, gzip'])(
  'the coding %j is not decoded',
  (coding) => {
    expect(readContentCodings(coding)).toBeNull();
  },
);
