import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { ProviderFailure, type ProviderFailureFacts } from '../../../../src/domain/provider-failure.ts';
import { defaultBackoffMs, pauseBefore, type RetryRule, withRetries } from '../../../../src/oauth/requests/retry.ts';
import {
  exchange,
  failureOf,
  type GatewayFixture,
  held,
  startGateway,
} from '../../../support/provider/gateway-fixture.ts';
import { closeMidBody, hang, json, type Reply, reset, text } from '../../../support/provider/hostile-provider.ts';

let open: GatewayFixture | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const granted = json(200, { access_token: 'new', expires_in: 60 });
const unavailable = text(503, '');

type Call = 'exchangeCode' | 'refresh' | 'requestClientCredentials';

/** Makes the call; returns the number of requests that the provider received, and the failure or null. */
async function run(
  call: Call,
  replies: [Reply, ...Reply[]],
  timing: { callCapMs?: number; retries?: number; lostBackoffMs?: number } = {},
) {
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
    'a refresh is repeated after a response with a temporary refusal (%#)',
    async (reply) => {
      expect(await run('refresh', [reply, reply, reply, granted])).toEqual({ requests: 4, failure: null });
    },
  );

  test('a refresh fails after the last retry', async () => {
    expect(await run('refresh', [unavailable])).toMatchObject({
      requests: 4,
      failure: { class: 'transient', httpStatus: 503, answered: true },
    });
  });

  const badGateway = text(502, '');

  test.each([reset, closeMidBody, badGateway, text(504, '{"error":"invalid_grant"}')])(
    'a refresh whose answer was lost is repeated once (%#)',
    async (reply) => {
      expect(await run('refresh', [reply, granted])).toEqual({ requests: 2, failure: null });
    },
  );

  test.each([
    ['lost twice', [reset, badGateway, granted], 2, { class: 'transient', answered: false, lost: true }],
    ['lost, then refused', [reset, unavailable, unavailable, granted], 3, { httpStatus: 503, lost: true }],
    ['refused, then lost', [unavailable, unavailable, reset, granted], 3, { class: 'transient', lost: true }],
    ['lost between refusals', [unavailable, reset, unavailable, granted], 3, { httpStatus: 503, lost: true }],
    ['spent', [reset, json(400, { error: 'invalid_grant' })], 2, { class: 'reauthorization', lost: true }],
  ] as const)(
    'a refresh with a lost answer makes at most three requests: %s',
    async (_, replies, requests, failure) => {
      const [first, ...more] = replies;
      expect(await run('refresh', [first, ...more])).toMatchObject({ requests, failure });
    },
  );

  test('a lost answer is not repeated if the cap leaves no time for the provider to respond', async () => {
    expect(await run('refresh', [reset, granted], { lostBackoffMs: 2000 })).toMatchObject({
      requests: 1,
      failure: { lost: true },
    });
  });

  test('any script of answers ends within the limits, and never sends a request while an answer may still arrive', async () => {
    const replies = {
      reset,
      closeMidBody,
      badGateway,
      unavailable,
      hang,
      limited: json(429, {}),
      html: text(200, '<html>'),
    };
    const names = fc.constantFrom(...(Object.keys(replies) as (keyof typeof replies)[]));
    await fc.assert(
      fc.asyncProperty(fc.array(names, { minLength: 4, maxLength: 4 }), async (script) => {
        const [first, ...more] = script.map((name) => replies[name]);
        const { requests } = await run('refresh', [first ?? hang, ...more], { callCapMs: 300 });
        const sent = script.slice(0, requests);
        const isLoss = (name: string) => name === 'reset' || name === 'closeMidBody' || name === 'badGateway';
        expect(sent.filter(isLoss).length).toBeLessThanOrEqual(2);
        if (sent.slice(0, -1).some(isLoss)) expect(requests).toBeLessThanOrEqual(3);
        expect(sent.slice(0, -1)).not.toContain('hang');
        expect(sent.slice(0, -1)).not.toContain('html');
        await open?.close();
        open = undefined;
      }),
      { numRuns: 20 },
    );
  });

  test.each([
    text(200, '<html>'),
    text(501, ''),
    text(404, ''),
    text(307, ''),
    json(400, { error: 'invalid_grant' }),
    json(400, { error: 'slow_down' }),
  ])('a sent refresh is not repeated after any other result (%#)', async (reply) => {
    expect(await run('refresh', [reply, granted])).toMatchObject({ requests: 1, failure: { sent: true } });
  });

  test('a refresh is not repeated after the call cap ended it', async () => {
    expect(await run('refresh', [hang], { callCapMs: 150 })).toMatchObject({
      requests: 1,
      failure: { class: 'transient', sent: true, answered: false },
    });
  });

  test('a refresh ends at once if Retry-After is longer than a call may wait, and reports the delay', async () => {
    expect(await run('refresh', [json(429, {}, { 'retry-after': '60' }), granted])).toMatchObject({
      requests: 1,
      failure: { class: 'throttled', retryAfterMs: 60_000 },
    });
  });
});

describe('a code exchange', () => {
  test.each([unavailable, json(429, {}), reset, closeMidBody, json(400, { error: 'temporarily_unavailable' })])(
    'a code exchange is never repeated after it was sent (%#)',
    async (reply) => {
      expect(await run('exchangeCode', [reply, granted])).toMatchObject({ requests: 1, failure: { sent: true } });
    },
  );
});

describe('client_credentials', () => {
  test.each([unavailable, json(429, {}), reset, closeMidBody, text(200, '<html>')])(
    'client_credentials is repeated after every temporary failure (%#)',
    async (reply) => {
      expect(await run('requestClientCredentials', [reply, granted])).toEqual({ requests: 2, failure: null });
    },
  );

  test('client_credentials is not repeated after a permanent refusal', async () => {
    expect(await run('requestClientCredentials', [json(401, { error: 'invalid_client' })])).toMatchObject({
      requests: 1,
    });
  });
});

describe('the retry rules', () => {
  const timing = { retries: 2, backoffMs: [1, 1], lostBackoffMs: 1, minAttemptMs: 0, random: () => 0.5 };
  const facts = (members: Partial<ProviderFailureFacts>): ProviderFailureFacts => ({
    class: 'transient',
    sent: false,
    answered: false,
    oauthError: null,
    description: null,
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
    'rule %s repeats an unsent request, except one that our own rules refused',
    async (rule) => {
      expect(await tries(rule, { sent: false })).toBe(3);
      expect(await tries(rule, { sent: false, class: 'refused' })).toBe(1);
    },
  );

  test('no retry begins after the deadline', async () => {
    expect(await tries('any', {}, 0)).toBe(1);
  });

  test('no retry of an exchange or refresh begins without time for the provider to respond', async () => {
    const slow = { ...timing, minAttemptMs: 20_000 };
    expect(await tries('refused', {}, 10_000, slow)).toBe(1);
    expect(await tries('unsent', {}, 10_000, slow)).toBe(1);
    expect(await tries('refused', {}, 60_000, slow)).toBe(3);
    expect(await tries('any', {}, 10_000, slow)).toBe(3);
  });

  test('pauses grow from 1 to 4 seconds with a jitter of a quarter, and include a Retry-After of up to 4 seconds', () => {
    const pauses = (random: number, retryAfterMs: number | null = null) =>
      [0, 1, 2].map((tried) => pauseBefore(tried, retryAfterMs, { backoffMs: defaultBackoffMs, random: () => random }));
    expect(pauses(0.5)).toEqual([1000, 2000, 4000]);
    expect(pauses(0)).toEqual([750, 1500, 3000]);
    expect(pauses(0.999_999).map((ms) => Math.round(ms ?? 0))).toEqual([1250, 2500, 5000]);
    expect(pauses(0.5, 3000)).toEqual([3000, 3000, 4000]);
    expect(pauses(0.5, 4000)).toEqual([4000, 4000, 4000]);
    expect(pauses(0.5, 4001)).toEqual([null, null, null]);
  });

  test('the pause before a retry is at least Retry-After', async () => {
    const slow = { ...timing, backoffMs: [1, 60_000] };
    expect(await tries('any', { retryAfterMs: 30_000 }, 10_000, slow)).toBe(1);
    expect(await tries('any', { retryAfterMs: 2 }, 10_000)).toBe(1);
    expect(await tries('any', { retryAfterMs: 1 }, 10_000)).toBe(3);
  });

  test('an error that is no ProviderFailure is thrown without a retry', async () => {
    let count = 0;
    await expect(
      withRetries('any', timing, performance.now() + 1000, async () => {
        count += 1;
        throw new TypeError('a defect');
      }),
    ).rejects.toThrow(TypeError);
    expect(count).toBe(1);
  });
});
