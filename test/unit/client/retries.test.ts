import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTokenBroker, type TokenBrokerOptions, Unavailable } from '../../../src/client/token-broker.ts';
import {
  breakConnection,
  createFetchDouble,
  credentialOf,
  type FetchReply,
  hang,
  refuse,
  respond,
} from '../../support/client/fetch-double.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ok: FetchReply = (call) => respond(200, credentialOf(3600))(call);
const busy = (seconds?: number) =>
  refuse(503, 'service_unavailable', {}, seconds === undefined ? {} : { 'retry-after': String(seconds) });
const limited = refuse(429, 'rate_limited', {}, { 'retry-after': '1' });

function open(replies: [FetchReply, ...FetchReply[]], options: Partial<TokenBrokerOptions> = {}) {
  const double = createFetchDouble(...replies);
  const broker = createTokenBroker({ url: 'https://b.example', key: 'k', fetch: double.fetch, ...options });
  return { broker, calls: double.calls };
}

/** Lets all delays pass at once and returns how the call ended. */
async function finish<T>(call: Promise<T>): Promise<T | Error> {
  const ended = call.catch((error: Error) => error);
  await vi.runAllTimersAsync();
  return ended;
}

describe('a GET is repeated', () => {
  test.each<[string, FetchReply]>([
    ['a network error', breakConnection],
    ['429 with Retry-After', limited],
    ['503 with Retry-After', busy(1)],
  ])('after %s', async (_, failure) => {
    const { broker, calls } = open([failure, failure, ok]);
    expect(await finish(broker.credential('crm'))).toMatchObject({ status: 'completed' });
    expect(calls).toHaveLength(3);
  });

  test('after the delay of Retry-After and not before', async () => {
    const { broker, calls } = open([busy(3), ok]);
    const call = broker.credential('crm');
    await vi.advanceTimersByTimeAsync(2999);
    expect(calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(calls).toHaveLength(2);
    await call;
  });

  test('as often as retries says, and the last error is thrown', async () => {
    const { broker, calls } = open([breakConnection], { retries: 4 });
    expect(await finish(broker.credential('crm'))).toMatchObject({ code: 'network_error' });
    expect(calls).toHaveLength(5);
  });

  test('when its body breaks off', async () => {
    const broken: FetchReply = () =>
      new Response(new ReadableStream({ start: (stream) => stream.error(new TypeError('terminated')) }));
    const { broker, calls } = open([broken, ok]);
    expect(await finish(broker.credential('crm'))).toMatchObject({ status: 'completed' });
    expect(calls).toHaveLength(2);
  });
});

describe('a GET is not repeated', () => {
  test.each<[string, FetchReply]>([
    ['503 without Retry-After: a person must act', busy()],
    ['a Retry-After beyond the time limit', busy(11)],
    ['404', refuse(404, 'connection_not_found')],
    ['500', refuse(500, 'internal_error')],
    ['403 with Retry-After', refuse(403, 'forbidden', {}, { 'retry-after': '1' })],
  ])('after %s', async (_, failure) => {
    const { broker, calls } = open([failure, ok]);
    expect(await finish(broker.credential('crm'))).toBeInstanceOf(Error);
    expect(calls).toHaveLength(1);
  });
});

describe('a call that changes something', () => {
  test.each<[string, FetchReply]>([
    ['a network error', breakConnection],
    ['429', limited],
    ['503', busy(1)],
  ])('is never repeated, after %s', async (_, failure) => {
    const { broker, calls } = open([failure, ok]);
    const { connections } = broker;
    await finish(connections.create({ connection_name: 'c', client_id: 'i' }));
    await finish(connections.edit('c', {}));
    await finish(connections.delete('c'));
    await finish(broker.authorize('c'));
    expect(calls.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'DELETE', 'POST']);
  });

  test('is repeated only as a renewal', async () => {
    const { broker, calls } = open([breakConnection, busy(1), ok]);
    expect(await finish(broker.renew('crm', 'old'))).toMatchObject({ status: 'completed' });
    expect(calls).toHaveLength(3);
  });
});

describe('the time limit', () => {
  test('ends a call that gets no answer, with the code timeout', async () => {
    const { broker } = open([hang], { timeoutMs: 500 });
    const error = await finish(broker.credential('crm'));
    expect(error).toBeInstanceOf(Unavailable);
    expect(error).toMatchObject({ code: 'timeout', status: 0 });
  });

  test('bounds all attempts together', async () => {
    const { broker, calls } = open([busy(4)], { retries: 9 });
    const start = Date.now();
    expect(await finish(broker.credential('crm'))).toBeInstanceOf(Unavailable);
    expect(Date.now() - start).toBeLessThanOrEqual(10_000);
    expect(calls).toHaveLength(3);
  });

  test('bounds a function that gives no key', async () => {
    const { broker } = open([ok], { key: () => new Promise(() => {}) });
    expect(await finish(broker.connections.get('crm'))).toMatchObject({ code: 'timeout' });
  });

  test('leaves no timer behind', async () => {
    const { broker } = open([ok]);
    await broker.credential('crm');
    await broker.connections.get('crm');
    expect(vi.getTimerCount()).toBe(0);
  });
});

test('the signal of the caller ends a call and a delay with its own reason', async () => {
  const { broker, calls } = open([hang]);
  const first = new AbortController();
  const call = broker.connections.get('crm', { signal: first.signal }).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(1);
  first.abort(new Error('the user left'));
  expect(await call).toEqual(new Error('the user left'));
  expect(calls).toHaveLength(1);

  const waiting = open([busy(5), ok]);
  const second = new AbortController();
  const delayed = waiting.broker.connections.get('crm', { signal: second.signal }).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(1000);
  second.abort(new Error('the user left'));
  expect(await delayed).toEqual(new Error('the user left'));
  expect(waiting.calls).toHaveLength(1);
});
