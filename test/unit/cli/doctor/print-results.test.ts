import { expect, test } from 'vitest';
import { printResults } from '../../../../src/cli/doctor/print-results.ts';
import { createOutput } from '../../../../src/cli/output/output.ts';
import type { CheckResult } from '../../../../src/doctor/check.ts';

const results: CheckResult[] = [
  { name: 'database', state: 'ok', found: 'The database answers.', next: null },
  { name: 'queue', state: 'failed', found: 'The queue takes no jobs.', next: 'Start Redis.' },
];

async function print(flags: { json?: boolean; ndjson?: boolean }) {
  const written = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const output = createOutput({ stdout: stream('stdout'), stderr: stream('stderr') }, {}, () => flags);
  await printResults(output, 'http://broker', results);
  return written;
}

test('a person reads a line a check, and below it what to do; the sum goes to stderr', async () => {
  const { stdout, stderr } = await print({});
  const lines = stdout.split('\n').map((line) => line.trimEnd());
  expect(lines.slice(1, 4)).toEqual([
    'ok      database  The database answers.',
    'failed  queue     The queue takes no jobs.',
    '                  → Start Redis.',
  ]);
  expect(stderr).toBe('1 failed, 0 to look at.\n');
});

test('a program reads one document, or a line a check', async () => {
  const { stdout, stderr } = await print({ json: true });
  expect(JSON.parse(stdout)).toEqual({ checks: results, url: 'http://broker', failed: 1, warnings: 0 });
  expect(stderr).toBe('');
  const lines = (await print({ ndjson: true })).stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(results);
});
