import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createTokenBroker } from '../../../src/client/token-broker.ts';
import {
  breakConnection,
  createFetchDouble,
  type FetchReply,
  refuse,
  respond,
} from '../../support/client/fetch-double.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const progress = (status: string) => respond(200, { status, next_action: 'none' });

function open(...replies: [FetchReply, ...FetchReply[]]) {
  const double = createFetchDouble(...replies);
  const broker = createTokenBroker({ url: 'https://b.example', key: 'k', fetch: double.fetch, retries: 0 });
  return { broker, calls: double.calls };
}

async function finish<T>(call: Promise<T>): Promise<unknown> {
  const ended = call.catch((error: unknown) => error);
  await vi.runAllTimersAsync();
  return ended;
}

test.each(['completed', 'failed', 'expired', 'awaiting_confirmation'])(
  'waiting ends with the status %s',
  async (status) => {
    const { broker, calls } = open(progress('pending'), progress('pending'), progress(status));
    expect(await finish(broker.waitFor('the-state'))).toMatchObject({ status });
    expect(calls.map(({ url }) => url)).toEqual(Array(3).fill('https://b.example/authorizations/the-state'));
  },
);

test('a broker that is out of reach for a while does not end the waiting', async () => {
  const { broker } = open(
    progress('pending'),
    breakConnection,
    refuse(503, 'service_unavailable'),
    progress('completed'),
  );
  expect(await finish(broker.waitFor('s'))).toMatchObject({ status: 'completed' });
});

test('an unknown state ends the waiting', async () => {
  const { broker, calls } = open(refuse(404, 'not_found'));
  expect(await finish(broker.waitFor('s'))).toMatchObject({ name: 'NotFound' });
  expect(calls).toHaveLength(1);
});

test('the waiting ends after its time with the code timeout, and with the signal of the caller', async () => {
  const { broker, calls } = open(progress('pending'));
  expect(await finish(broker.waitFor('s', { timeoutMs: 10_000, intervalMs: 2000 }))).toMatchObject({ code: 'timeout' });
  expect(calls).toHaveLength(6);
  const leaving = new AbortController();
  const waiting = broker.waitFor('s', { signal: leaving.signal }).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(1500);
  leaving.abort(new Error('left'));
  expect(await waiting).toEqual(new Error('left'));
});
