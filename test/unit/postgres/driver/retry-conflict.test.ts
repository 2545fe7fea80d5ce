import { describe, expect, test } from 'vitest';
import { retryConflict } from '../../../../src/postgres/driver/retry-conflict.ts';

const failure = (code: string) => Object.assign(new Error(code), { code });

/** Runs a statement that fails with these codes in turn, then succeeds. Returns the outcome and the number of runs. */
async function run(status: 'I' | 'T' | 'E', codes: readonly string[]): Promise<[outcome: string, runs: number]> {
  let runs = 0;
  const outcome = retryConflict({ getTransactionStatus: () => status }, async () => {
    const code = codes[runs++];
    if (code !== undefined) throw failure(code);
    return 'done';
  });
  return [await outcome.catch((error: Error) => error.message), runs];
}

describe('a statement that meets a conflict', () => {
  test.each(['40001', '40P01'])('runs once more outside a transaction after %s', async (code) => {
    expect(await run('I', [code])).toEqual(['done', 2]);
    expect(await run('I', [code, code])).toEqual([code, 2]);
  });

  test('is not repeated inside a transaction, which is lost as a whole', async () => {
    expect(await run('T', ['40001'])).toEqual(['40001', 1]);
    expect(await run('E', ['40001'])).toEqual(['40001', 1]);
  });

  test('is not repeated after any other failure', async () => {
    expect(await run('I', ['23505'])).toEqual(['23505', 1]);
    expect(await run('I', ['57P01'])).toEqual(['57P01', 1]);
  });
});
