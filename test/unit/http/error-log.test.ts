import { expect, test } from 'vitest';
import { BrokerError } from '../../../src/domain/errors.ts';
import { describeError } from '../../../src/http/error-log.ts';

test('members that libraries hang on their errors are not logged, at any depth', () => {
  const inner = Object.assign(new Error('socket closed'), {
    body: 'canary',
    options: { headers: 'canary' },
    code: 'ECONNRESET',
  });
  const outer = Object.assign(new Error('failed', { cause: inner }), { request: 'canary', detail: 'canary' });
  const described = describeError(BrokerError.of('internal_error', 'No.', outer));
  expect(described).toMatchObject({
    code: 'internal_error',
    cause: { message: 'failed', cause: { message: 'socket closed', code: 'ECONNRESET' } },
  });
  expect(JSON.stringify(described)).not.toContain('canary');
});

test('the text that JSON.parse could not read is not logged', () => {
  let caught: unknown;
  try {
    JSON.parse('canary-token');
  } catch (error) {
    caught = error;
  }
  expect(String(caught)).toContain('canary');
  expect(JSON.stringify(describeError(caught))).not.toContain('canary');
});

test('a chain of causes that bites its tail ends', () => {
  const error: Error & { cause?: unknown } = new Error('round');
  error.cause = error;
  expect(JSON.stringify(describeError(error)).match(/"round"/g)?.length).toBeLessThan(10);
  expect(describeError('a thrown string')).toEqual({ name: 'string' });
});
