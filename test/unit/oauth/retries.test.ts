import { afterEach, describe, expect, test } from 'vitest';
import { ProviderFailure, type ProviderFailureFacts } from '../../../src/domain/provider-failure.ts';
import { defaultBackoffMs, pauseBefore, type RetryRule, withRetries } from '../../../src/oauth/retry.ts';
import { exchange, failureOf, type GatewayFixture, held, startGateway } from '../../support/gateway-fixture.ts';
import { closeMidBody, hang, json, type Reply, reset, text } from '../../support/hostile-provider.ts';

let open: GatewayFixture | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const granted = json(200, { access_token: 'new', expires_in: 60 });
const unavailable = text(503, '');

type Call = 'exchangeCode' | 'refresh' | 'requestClientCredentials';

/** How many requests the provider saw, and how the call ended. */
async function run(call: Call, replies: [Reply, ...Reply[]], timing: { callCapMs?: number; retries?: number } = {}) {
  open = await startGateway({ timing });
  const { gateway, client, provider } = open;
  provider.script('/token', ...replies);
  const calls = {
    exchangeCode: () => gateway.exchangeCode(client, exchange()),
    refresh: () => gateway.refresh(client, held(), []),
    requestClientCredentials: () => gateway.requestClientCredentials(client, []),
  };
  const outcome = await calls[call]().then(
    () => null,
    (error: ProviderFailure) => error.facts,
  );
  return { requests: provider.received.length, failure: outcome };
}

describe('a refresh', () => {
  test.each([unavailable, text(500, '{"error":"invalid_grant"}'), json(429, {})])(
    'is repeated after an answered refusal that may pass (%#)',
    async (reply) => {
      expect(await run('refresh', [reply, reply, reply, granted])).toEqual({ requests: 4, failure: null });
    },
  );

  test('gives up after its retries', async () => {
    expect(await run('refresh', [unavailable])).toMatchObject({
      requests: 4,
      failure: { class: 'transient', httpStatus: 503, answered: true },
    });
  });

  test.each([
    reset,
    closeMidBody,
    text(200, '<html>'),
    text(404, ''),
    text(307, ''),
    json(400, { error: 'invalid_grant' }),
    json(400, { error: 'slow_down' }),
  ])('is never repeated after it was sent and met anything else (%#)', async (reply) => {
    expect(await run('refresh', [reply, granted])).toMatchObject({ requests: 1, failure: { sent: true } });
  });

  test('is not repeated after the cap cut it off', async () => {
    expect(await run('refresh', [hang], { callCapMs: 150 })).toMatchObject({
      requests: 1,
      failure: { class: 'transient', sent: true, answered: false },
    });
  });

  test('ends at once where Retry-After is longer than a call may wait, and hands it on', async () => {
    expect(await run('refresh', [json(429, {}, { 'retry-after': '60' }), granted])).toMatchObject({
      requests: 1,
      failure: { class: 'throttled', retryAfterMs: 60_000 },
    });
  });
});

describe('a code exchange', () => {
  test.each([unavailable, json(429, {}), reset, closeMidBody, json(400, { error: 'temporarily_unavailable' })])(
    'is never repeated once it was sent (%#)',
    async (reply) => {
      expect(await run('exchangeCode', [reply, granted])).toMatchObject({ requests: 1, failure: { sent: true } });
    },
  );
});

describe('client_credentials', () => {
  test.each([unavailable, json(429, {}), reset, closeMidBody, text(200, '<html>')])(
    'is repeated after whatever may pass (%#)',
    async (reply) => {
      expect(await run('requestClientCredentials', [reply, granted])).toEqual({ requests: 2, failure: null });
    },
  );

  test('is not repeated after a refusal that stays', async () => {
    expect(await run('requestClientCredentials', [json(401, { error: 'invalid_client' })])).toMatchObject({
      requests: 1,
    });
  });
});

describe('the rule', () => {
  const timing = { retries: 2, backoffMs: [1, 1], tryRoomMs: 0, random: () => 0.5 };
  const facts = (members: Partial<ProviderFailureFacts>): ProviderFailureFacts => ({
    class: 'transient',
    sent: false,
    answered: false,
    oauthError: null,
    httpStatus: null,
    retryAfterMs: null,
    ...members,
  });
  const tries = async (rule: RetryRule, members: Partial<ProviderFailureFacts>, deadlineMs = 1000, pauses = timing) => {
    let count = 0;
    const attempt = async () => {
      count += 1;
      throw new ProviderFailure('no', facts(members));
    };
    await failureOf(withRetries(rule, pauses, performance.now() + deadlineMs, attempt));
    return count;
  };

  test.each(['unsent', 'refused', 'any'] as const)(
    '%s: what never left is repeated, what we refused ourselves is not',
    async (rule) => {
      expect(await tries(rule, { sent: false })).toBe(3);
      expect(await tries(rule, { sent: false, class: 'refused' })).toBe(1);
    },
  );

  test('no retry begins that cannot fit before the deadline', async () => {
    expect(await tries('any', {}, 0)).toBe(1);
  });

  test('no retry that could spend what it sends begins without time for the provider to answer', async () => {
    const slow = { ...timing, tryRoomMs: 20_000 };
    expect(await tries('refused', {}, 10_000, slow)).toBe(1);
    expect(await tries('unsent', {}, 10_000, slow)).toBe(1);
    expect(await tries('refused', {}, 60_000, slow)).toBe(3);
    expect(await tries('any', {}, 10_000, slow)).toBe(3);
  });

  test('the pauses are 1, 2 and 4 seconds, a quarter more or less, and a Retry-After of up to 4 seconds fits in', () => {
    const pauses = (random: number, retryAfterMs: number | null = null) =>
      [0, 1, 2].map((tried) => pauseBefore(tried, retryAfterMs, { backoffMs: defaultBackoffMs, random: () => random }));
    expect(pauses(0.5)).toEqual([1000, 2000, 4000]);
    expect(pauses(0)).toEqual([750, 1500, 3000]);
    expect(pauses(0.999_999).map((ms) => Math.round(ms ?? 0))).toEqual([1250, 2500, 5000]);
    expect(pauses(0.5, 3000)).toEqual([3000, 3000, 4000]);
    expect(pauses(0.5, 4000)).toEqual([4000, 4000, 4000]);
    expect(pauses(0.5, 4001)).toEqual([null, null, null]);
  });

  test('a Retry-After counts as the pause where it is the longer one', async () => {
    const slow = { ...timing, backoffMs: [1, 60_000] };
    expect(await tries('any', { retryAfterMs: 30_000 }, 10_000, slow)).toBe(1);
    expect(await tries('any', { retryAfterMs: 2 }, 10_000)).toBe(1);
    expect(await tries('any', { retryAfterMs: 1 }, 10_000)).toBe(3);
  });

  test('a fault of ours is not a provider failure and passes through at once', async () => {
    let count = 0;
    await expect(
      withRetries('any', timing, performance.now() + 1000, async () => {
        count += 1;
        throw new TypeError('ours');
      }),
    ).rejects.toThrow(TypeError);
    expect(count).toBe(1);
  });
});
