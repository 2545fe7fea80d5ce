import { describe, expect, test } from 'vitest';
import {
  createTokenBroker,
  NotFound,
  NotReady,
  TokenBrokerError,
  Unavailable,
} from '../../../src/client/token-broker.ts';
import type { BrokerErrorCode } from '../../../src/domain/errors.ts';
import { problems } from '../../../src/http/problem.ts';
import { breakConnection, createFetchDouble, type FetchReply, refuse } from '../../support/client/fetch-double.ts';

const errorOf = (reply: FetchReply) => {
  const double = createFetchDouble(reply);
  const broker = createTokenBroker({ url: 'https://broker.example', key: 'k', fetch: double.fetch, retries: 0 });
  return broker.credential('crm').then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );
};

type Class = typeof TokenBrokerError;
const classes: Partial<Record<BrokerErrorCode, Class>> = {
  connection_not_ready: NotReady,
  provider_unavailable: Unavailable,
  service_unavailable: Unavailable,
  rate_limited: Unavailable,
  not_found: NotFound,
  connection_not_found: NotFound,
  grant_not_found: NotFound,
};
const codes = Object.keys(problems) as BrokerErrorCode[];

describe('every problem code has one class', () => {
  test.each(codes.map((code) => ({ code, expected: classes[code] ?? TokenBrokerError })))(
    '$code: $expected.name',
    async ({ code, expected }) => {
      const error = await errorOf(refuse(problems[code].status, code));
      expect(error).toBeInstanceOf(TokenBrokerError);
      expect((error as object).constructor).toBe(expected);
      expect(error).toMatchObject({ name: expected.name, code, status: problems[code].status });
    },
  );
});

test('an error carries the message, the request id, the time to wait, the next action and all further members', async () => {
  const members = {
    next_action: 'wait',
    retry_after: 7,
    connection_status: 'failed',
    status_reason: 'provider_rejected',
  };
  expect(await errorOf(refuse(503, 'connection_not_ready', members, { 'retry-after': '7' }))).toMatchObject({
    message: 'about connection_not_ready',
    requestId: 'req-1',
    retryAfter: 7,
    nextAction: 'wait',
    members: { retry_after: 7, connection_status: 'failed', status_reason: 'provider_rejected' },
  });
});

test('Retry-After may be a date', async () => {
  const date = new Date(Date.now() + 30_000).toUTCString();
  const error = (await errorOf(refuse(503, 'service_unavailable', {}, { 'retry-after': date }))) as TokenBrokerError;
  expect(error.retryAfter).toBeGreaterThan(20);
  expect(error.retryAfter).toBeLessThanOrEqual(30);
});

const page = (status: number) => () => new Response('<html>Bad gateway</html>', { status });

describe('a response that is not one of the broker', () => {
  test.each([429, 502, 503, 504])('with the status %i of a gateway is Unavailable', async (status) => {
    const error = await errorOf(page(status));
    expect(error).toBeInstanceOf(Unavailable);
    expect(error).toMatchObject({ code: 'unexpected_response', status });
  });

  test.each([400, 404, 500])('with the status %i is neither NotFound nor Unavailable', async (status) => {
    const error = await errorOf(page(status));
    expect((error as object).constructor).toBe(TokenBrokerError);
    expect(error).toMatchObject({ code: 'unexpected_response', status, nextAction: undefined });
  });

  test('is quoted in part only', async () => {
    const error = (await errorOf(() => new Response('x'.repeat(5000), { status: 500 }))) as Error;
    expect(error.message.length).toBeLessThan(400);
  });

  test('is not JSON although it is a success', async () => {
    const error = await errorOf(() => new Response('<html>Welcome</html>'));
    expect(error).toMatchObject({ code: 'unexpected_response', status: 200 });
  });

  test('is a redirect, which is not followed with the key', async () => {
    const double = createFetchDouble(
      () => new Response(null, { status: 308, headers: { location: 'https://evil.example' } }),
    );
    const broker = createTokenBroker({ url: 'https://broker.example', key: 'k', fetch: double.fetch });
    await expect(broker.credential('crm')).rejects.toMatchObject({ code: 'unexpected_response', status: 308 });
    expect(double.calls).toHaveLength(1);
    expect(double.calls[0]?.init.redirect).toBe('manual');
  });
});

test('a broker out of reach is Unavailable, and the message names its origin alone', async () => {
  const error = (await errorOf(breakConnection)) as Unavailable;
  expect(error).toBeInstanceOf(Unavailable);
  expect(error).toMatchObject({ code: 'network_error', status: 0, nextAction: 'wait' });
  expect(error.message).toBe('The broker at https://broker.example cannot be reached.');
  expect(error.cause).toBeInstanceOf(TypeError);
});
