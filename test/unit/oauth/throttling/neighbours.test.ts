import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { type FailureClass, ProviderFailure } from '../../../../src/domain/provider-failure.ts';
import { type CallPermit, createCallLimiter } from '../../../../src/oauth/throttling/call-limiter.ts';
import { createEndpointGuards, type EndpointGuards } from '../../../../src/oauth/throttling/endpoint-guards.ts';
import { shareOf } from '../../../../src/oauth/throttling/fair-share.ts';
import { createFakeTime, type FakeTime } from '../../../support/engine/fake-time.ts';

const organizations = ['acme', 'globex'] as const;
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('places of an endpoint', () => {
  type Step = { kind: 'arrive' | 'end'; organization: (typeof organizations)[number]; pick: number };
  const steps = fc.array(
    fc.record<Step>({
      kind: fc.constantFrom('arrive', 'arrive', 'end'),
      organization: fc.constantFrom(...organizations),
      pick: fc.nat(),
    }),
    { maxLength: 120 },
  );

  test('an organisation takes a place while another waits only if it holds no more places than the other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 8 }), steps, async (concurrency, script) => {
        const limiter = createCallLimiter(createFakeTime(new Date(0)));
        const running: Record<string, CallPermit[]> = { acme: [], globex: [] };
        const waiting: Record<string, number> = { acme: 0, globex: 0 };
        const countOf = (name: string) => running[name]?.length ?? 0;
        const checkPermit = (name: string) => {
          const other = name === 'acme' ? 'globex' : 'acme';
          if ((waiting[other] ?? 0) > 0) {
            expect(countOf(name)).toBeLessThanOrEqual(countOf(other));
            expect(countOf(name)).toBeLessThan(shareOf(concurrency, true));
          }
        };
        for (const { kind, organization, pick } of script) {
          if (kind === 'end') {
            const [ended] = running[organization]?.splice(pick % Math.max(1, countOf(organization)), 1) ?? [];
            ended?.release();
          } else {
            waiting[organization] = (waiting[organization] ?? 0) + 1;
            const caller = { organizationId: organization, priority: { inBackground: true } };
            void limiter.take({ concurrency, requestsPerMinute: null }, 10_000, caller).then((permit) => {
              waiting[organization] = (waiting[organization] ?? 0) - 1;
              if (permit === undefined) throw new Error('no permit');
              checkPermit(organization);
              running[organization]?.push(permit);
            });
          }
          await settled();
          expect(countOf('acme') + countOf('globex')).toBeLessThanOrEqual(concurrency);
          for (const name of organizations) {
            const other = name === 'acme' ? 'globex' : 'acme';
            const isFull = countOf('acme') + countOf('globex') === concurrency;
            const holdsShare = countOf(name) >= shareOf(concurrency, (waiting[other] ?? 0) > 0);
            if ((waiting[name] ?? 0) > 0) expect(isFull || holdsShare).toBe(true);
          }
        }
      }),
    );
  });

  test.each([1, 2, 5, 20])(
    'with %i places, 10 calls of one are served within the first 20 beside 400 of another',
    async (concurrency) => {
      const limiter = createCallLimiter(createFakeTime(new Date(0)));
      const served: string[] = [];
      const take = async (organizationId: string) => {
        const limits = { concurrency, requestsPerMinute: null };
        const permit = await limiter.take(limits, 10_000, { organizationId, priority: { inBackground: false } });
        served.push(organizationId);
        await settled();
        permit?.release();
      };
      const calls = Array.from({ length: 400 }, () => take('acme'));
      await settled();
      served.length = 0;
      calls.push(...Array.from({ length: 10 }, () => take('globex')));
      await Promise.all(calls);
      expect(served.slice(0, 20 + concurrency).filter((name) => name === 'globex')).toHaveLength(10);
    },
  );
});

describe('the guard of an endpoint', () => {
  let time: FakeTime;
  let guards: EndpointGuards;
  let changes: string[];
  beforeEach(() => open());

  function open(): void {
    time = createFakeTime(new Date('2030-01-01T00:00:00Z'));
    changes = [];
    guards = createEndpointGuards({
      ...time,
      callCapMs: 30_000,
      concurrency: 8,
      onCircuitChange: ({ state }) => changes.push(state),
    });
  }

  const template = {
    circuit: { failures: null, openSeconds: null, successes: null },
    limits: { concurrency: null, requestsPerMinute: null },
  };
  const call = (organizationId: string, connectionId: string, make: () => Promise<string>, inBackground = false) =>
    guards
      .at('https://provider.test/token')
      .call({ organizationId, connectionId, template, priority: { inBackground } }, (send) => send(make));
  const failure = (failureClass: FailureClass, httpStatus: number | null = 503) =>
    new ProviderFailure('no', {
      class: failureClass,
      sent: true,
      answered: true,
      oauthError: null,
      description: null,
      httpStatus,
      retryAfterMs: null,
    });
  const fail = (organizationId: string, connectionId: string, reason = failure('transient')) =>
    call(organizationId, connectionId, () => Promise.reject(reason)).then(
      () => expect.unreachable(),
      (error: ProviderFailure) => error === reason,
    );
  const succeed = (organizationId: string, connectionId: string) =>
    call(organizationId, connectionId, async () => 'granted');

  test('failures of one organisation do not open the circuit of an endpoint that another uses', async () => {
    await succeed('globex', 'g');
    for (let i = 0; i < 50; i++) await fail('acme', `a-${i % 3}`);
    expect(changes).toEqual([]);
    await succeed('globex', 'g');
  });

  test('an organisation that alone opened the circuit cannot keep it open, by taking each trial, for one held back', async () => {
    const refreshOfOther = () => call('globex', 'g', async () => 'granted', true);
    for (let i = 0; i < 5; i++) await fail('acme', 'a');
    expect(changes).toEqual(['open']);
    await expect(refreshOfOther()).rejects.toMatchObject({ facts: { sent: false } });
    await time.advance(60_000);
    await fail('acme', 'a');
    expect(await refreshOfOther()).toBe('granted');
    expect(changes).toEqual(['open', 'half_open', 'closed']);
  });

  test('a failed trial keeps the circuit open that two organisations opened, whichever is held back', async () => {
    for (const name of ['acme', 'acme', 'acme', 'acme', 'globex']) await fail(name, name);
    await expect(call('initech', 'i', async () => 'granted', true)).rejects.toMatchObject({ facts: { sent: false } });
    await time.advance(60_000);
    await fail('acme', 'acme');
    expect(changes).toEqual(['open', 'half_open', 'open']);
  });

  test('five consecutive failures seen by two organisations open the circuit', async () => {
    await succeed('initech', 'i');
    for (const connection of ['a', 'b', 'c', 'd']) await fail('acme', connection);
    expect(changes).toEqual([]);
    await fail('globex', 'g');
    expect(changes).toEqual(['open']);
  });

  test('five failures of the only organisation open the circuit once all of its connections have failed', async () => {
    await succeed('acme', 'fine');
    for (let i = 0; i < 9; i++) await fail('acme', 'broken');
    expect(changes).toEqual([]);
    await fail('acme', 'fine');
    expect(changes).toEqual(['open']);
  });

  test.each([400, 403, 404, 422])('status %i without a known error code never opens the circuit', async (status) => {
    for (const failureClass of ['unknown', 'transient'] as const) {
      for (let i = 0; i < 10; i++) await fail(`org-${i}`, 'c', failure(failureClass, status));
    }
    expect(changes).toEqual([]);
  });

  test('a reader whose connection has not failed passes an open circuit, one at a time for each organisation', async () => {
    for (const connection of ['a', 'b', 'c', 'd']) await fail('acme', connection);
    await fail('globex', 'g');
    expect(await fail('acme', 'a')).toBe(false);
    expect(await fail('globex', 'g')).toBe(false);
    const background = call('initech', 'i', async () => 'granted', true);
    await expect(background).rejects.toMatchObject({ facts: { sent: false, retryAfterMs: 60_000 } });
    const held = Promise.withResolvers<string>();
    const probe = call('initech', 'i', () => held.promise);
    await expect(succeed('initech', 'j')).rejects.toMatchObject({ facts: { sent: false, retryAfterMs: 5000 } });
    await succeed('umbrella', 'u');
    held.resolve('granted');
    await probe;
    expect(changes).toEqual(['open', 'half_open']);
    await succeed('initech', 'i');
    expect(changes).toEqual(['open', 'half_open', 'closed']);
  });

  test('a failed probe blocks its own connection and does not keep the circuit open', async () => {
    for (const connection of ['a', 'b', 'c', 'd']) await fail('acme', connection);
    await fail('globex', 'g');
    await time.advance(50_000);
    expect(await fail('acme', 'new')).toBe(true);
    expect(await fail('acme', 'new')).toBe(false);
    await time.advance(10_000);
    await succeed('globex', 'g');
    expect(changes).toEqual(['open', 'half_open']);
  });

  test('a 429 pauses neither another connection with the same client_id nor another organisation', async () => {
    await fail('acme', 'a', failure('throttled', 429));
    expect(await fail('acme', 'a')).toBe(false);
    await succeed('acme', 'b');
    await succeed('globex', 'a');
  });

  test('whatever one organisation meets, a reader of another is admitted at once', async () => {
    const outcomes = fc.constantFrom<FailureClass | 'granted' | 'hangs'>(
      'transient',
      'throttled',
      'unknown',
      'client',
      'refused',
      'granted',
      'hangs',
    );
    const script = fc.array(
      fc.record({ outcome: outcomes, connection: fc.nat(4), inBackground: fc.boolean(), pauseMs: fc.nat(90_000) }),
      { maxLength: 80 },
    );
    await fc.assert(
      fc.asyncProperty(script, async (calls) => {
        open();
        for (const { outcome, connection, inBackground, pauseMs } of calls) {
          const make = () => {
            if (outcome === 'hangs') return new Promise<string>(() => undefined);
            return outcome === 'granted' ? Promise.resolve('granted') : Promise.reject(failure(outcome));
          };
          call('acme', `a-${connection}`, make, inBackground).catch(() => undefined);
          await settled();
          expect(await succeed('globex', 'g')).toBe('granted');
          await time.advance(pauseMs);
        }
      }),
      { numRuns: 50 },
    );
  });
});
