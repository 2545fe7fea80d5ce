import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readLines } from '../../../../src/cli/transfer/lines/read-lines.ts';

async function linesOf(...chunks: (string | Uint8Array)[]) {
  const lines = [];
  const buffers = chunks.map((chunk) => Buffer.from(chunk as string));
  async function* stream() {
    yield* buffers;
  }
  for await (const batch of readLines(stream())) lines.push(...batch);
  return lines;
}

test('lines keep their number in the file, and blank lines have none', async () => {
  expect(await linesOf('{"a":1}\n\n  {"b":2}\r\n{"c":3}')).toEqual([
    { line: 1, content: '{"a":1}' },
    { line: 3, content: '{"b":2}' },
    { line: 4, content: '{"c":3}' },
  ]);
});

test('the place of the chunks changes nothing', async () => {
  const bytes = Buffer.from('{"a":"ü"}\n\n{"b":"漢"}\nno JSON\n');
  const whole = await linesOf(bytes);
  const cuts = fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(cuts, async (at) => {
      const ends = [...at.toSorted((a, b) => a - b), bytes.length];
      expect(await linesOf(...ends.map((end, n) => bytes.subarray(ends[n - 1] ?? 0, end)))).toEqual(whole);
    }),
    { numRuns: 30 },
  );
});

test('a line that is not UTF-8, or is too long, is refused alone', async () => {
  const lines = await linesOf(Buffer.from([0x22, 0xff, 0x22, 0x0a]), `${'x'.repeat(300_000)}\n`, '{"a":1}\n');
  expect(lines).toEqual([
    { line: 1, content: { code: 'invalid_request', errors: [{ path: 'body', message: 'is not valid UTF-8' }] } },
    { line: 2, content: { code: 'payload_too_large', errors: [{ path: 'body', message: 'is over 262144 bytes' }] } },
    { line: 3, content: '{"a":1}' },
  ]);
});
