import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OAuthClient } from '../../../src/domain/ports/oauth.ts';
import { createFakeTime, type FakeTime } from '../../support/engine/fake-time.ts';
import {
  exchange,
  failureOf,
  fixedNow,
  type GatewayFixture,
  type GatewayFixtureOptions,
  held,
  startGateway,
} from '../../support/provider/gateway-fixture.ts';
import { closeMidBody, gzipBomb, json, type Reply, reset, text } from '../../support/provider/hostile-provider.ts';

const granted = json(200, { access_token: 'new', expires_in: 60 });
const unavailable = text(503, '{"error":"invalid_grant"}');
const unsent = { sent: false, answered: false, httpStatus: null };

let time: FakeTime;
let open: GatewayFixture;
let changes: string[];
beforeEach(() => {
  time = createFakeTime(fixedNow);
  changes = [];
});
afterEach(() => open.close());

async function gatewayTo(replies: [Reply, ...Reply[]], options: GatewayFixtureOptions = {}): Promise<GatewayFixture> {
  const { now, elapsedMs, sleep } = time;
  const onCircuitChange = ({ state }: { state: string }) => changes.push(state);
  open = await startGateway({
    ...options,
    timing: { retries: 0, now, elapsedMs, sleep, onCircuitChange, ...options.timing },
  });
  open.provider.script('/token', ...replies);
  return open;
}
const refresh = (client: OAuthClient = open.client) => open.gateway.refresh(client, held(), []);
const ofOrganization = (organizationId: string): OAuthClient => ({
  ...open.client,
  caller: { ...open.client.caller, organizationId },
});
const requests = () => open.provider.received.length;

async function failing(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await failureOf(refresh());
}

/** Waits until the provider has received this many requests. */
async function arrived(count: number): Promise<void> {
  while (requests() < count) await new Promise((resolve) => setImmediate(resolve));
}

describe('the circuit of a token endpoint', () => {
  test('the circuit opens after five failed calls, blocks calls for a minute, and closes after three successes', async () => {
    await gatewayTo([unavailable]);
    await failing(5);
    expect(changes).toEqual(['open']);
    await time.advance(20_000);
    expect(await failureOf(refresh())).toMatchObject({ ...unsent, class: 'transient', retryAfterMs: 40_000 });
    expect(requests()).toBe(5);
    open.provider.script('/token', granted);
    await time.advance(40_000);
    await refresh();
    await refresh();
    expect(changes).toEqual(['open', 'half_open']);
    await refresh();
    expect(changes).toEqual(['open', 'half_open', 'closed']);
  });

  test('the circuit counts calls and not their retries', async () => {
    await gatewayTo([unavailable], { timing: { retries: 3 } });
    await failing(4);
    expect(requests()).toBe(16);
    expect(changes).toEqual([]);
    await failing(1);
    expect(changes).toEqual(['open']);
  });

  test('a half-open circuit allows one call and refuses a second one meanwhile', async () => {
    const respond: (() => void)[] = [];
    await gatewayTo([unavailable]);
    await failing(5);
    open.provider.script('/token', (response) => respond.push(() => granted(response)));
    await time.advance(60_000);
    const trial = refresh();
    await arrived(6);
    expect(await failureOf(refresh())).toMatchObject({ ...unsent, class: 'transient' });
    respond[0]?.();
    await trial;
    expect(requests()).toBe(6);
  });

  test.each([
    ['a reset', reset],
    ['an incomplete body', closeMidBody],
    ['HTML', text(200, '<html>')],
    ['a compressed bomb', gzipBomb],
    ['a redirect', text(307, '')],
    ['temporarily_unavailable', json(400, { error: 'temporarily_unavailable' })],
  ])('%s counts as a failure of the endpoint', async (_, reply) => {
    await gatewayTo([reply]);
    await failing(5);
    expect(changes).toEqual(['open']);
  });

  test.each([
    'invalid_grant',
    'invalid_client',
    'invalid_scope',
    'unsupported_grant_type',
    'something_else',
    'gone_for_good',
  ])('a refusal with %s proves that the endpoint works', async (error) => {
    await gatewayTo([unavailable], { template: { terminalErrors: ['gone_for_good'] } });
    await failing(4);
    open.provider.script('/token', json(400, { error }));
    await failing(10);
    open.provider.script('/token', unavailable);
    await failing(4);
    expect(changes).toEqual([]);
  });

  test('a call that our own address rules refuse does not affect the circuit', async () => {
    await gatewayTo([granted], { settings: { tokenUrl: 'http://169.254.169.254/token' } });
    for (let i = 0; i < 6; i++) expect(await failureOf(refresh())).toMatchObject({ class: 'refused' });
    expect(changes).toEqual([]);
  });

  test('the template can set the limits of the circuit', async () => {
    await gatewayTo([unavailable], { template: { circuit: { failures: 2, openSeconds: 5, successes: 1 } } });
    await failing(2);
    expect(await failureOf(refresh())).toMatchObject({ ...unsent, retryAfterMs: 5000 });
    open.provider.script('/token', granted);
    await time.advance(5000);
    await refresh();
    expect(changes).toEqual(['open', 'half_open', 'closed']);
  });

  test('all grant types share the circuit of an endpoint, and another endpoint has its own', async () => {
    await gatewayTo([unavailable]);
    await failing(5);
    const credentials = open.gateway.requestClientCredentials(open.client, []);
    expect(await failureOf(credentials)).toMatchObject({ ...unsent, class: 'transient' });
    open.provider.script('/elsewhere', granted);
    const settings = { ...open.client.settings, tokenUrl: `${open.provider.origin}/elsewhere` };
    await refresh({ ...open.client, settings });
  });

  test('an open circuit does not block code exchanges and revocations', async () => {
    await gatewayTo([unavailable], {
      urls: (origin) => ({
        revocation: { url: `${origin}/revoke`, style: 'rfc7009', method: 'POST', tokens: ['access_token'] },
      }),
      settings: { testUrl: null },
    });
    await failing(5);
    open.provider.script('/token', granted);
    open.provider.script('/revoke', text(200, ''));
    await open.gateway.exchangeCode(open.client, exchange());
    expect(await open.gateway.revoke(open.client, held())).toBe(true);
    expect(changes).toEqual(['open']);
  });

  test('circuits are listed with endpoint, state and time of the last change', async () => {
    await gatewayTo([unavailable], { urls: (origin) => ({ tokenUrl: `${origin}/token?tenant=secret` }) });
    await failing(1);
    const endpoint = `${open.provider.origin}/token`;
    expect(open.gateway.circuits()).toEqual([{ endpoint, state: 'closed', since: fixedNow, retryAt: null }]);
    await time.advance(1000);
    await failing(4);
    const since = new Date(fixedNow.getTime() + 1000);
    const retryAt = new Date(since.getTime() + 60_000);
    expect(open.gateway.circuits()).toEqual([{ endpoint, state: 'open', since, retryAt }]);
    await time.advance(20_000);
    expect(open.gateway.circuits()).toEqual([{ endpoint, state: 'open', since, retryAt }]);
  });
});

describe('a connection that the endpoint asked to slow down', () => {
  test.each([
    ['429 with Retry-After', json(429, {}, { 'retry-after': '90' }), 90_000],
    ['429 with a Retry-After of one day', json(429, {}, { 'retry-after': '86400' }), 900_000],
    ['429 without Retry-After', json(429, {}), 30_000],
    ['slow_down', json(400, { error: 'slow_down' }), 30_000],
  ])('%s pauses the calls of the connection, which fail unsent meanwhile', async (_, reply, pauseMs) => {
    await gatewayTo([reply, granted]);
    expect(await failureOf(refresh())).toMatchObject({ class: 'throttled', answered: true });
    await time.advance(10_000);
    expect(await failureOf(refresh())).toMatchObject({ ...unsent, class: 'throttled', retryAfterMs: pauseMs - 10_000 });
    const credentials = open.gateway.requestClientCredentials(open.client, []);
    expect(await failureOf(credentials)).toMatchObject({ ...unsent, class: 'throttled' });
    expect(requests()).toBe(1);
    await time.advance(pauseMs - 10_000);
    await refresh();
  });

  test('a pause affects neither another connection with the same client_id nor code exchanges', async () => {
    await gatewayTo([json(429, {}, { 'retry-after': '90' }), granted]);
    await failing(1);
    await refresh({ ...open.client, caller: { ...open.client.caller, connectionId: 'other' } });
    await open.gateway.exchangeCode(open.client, exchange());
    expect(requests()).toBe(3);
  });

  test('429 neither counts as a failure of the endpoint nor resets the count of failures', async () => {
    await gatewayTo([json(429, {}, { 'retry-after': '1' })]);
    for (let i = 0; i < 10; i++) await failureOf(refresh(ofOrganization(`org-${i}`)));
    expect(changes).toEqual([]);
    open.provider.script('/token', unavailable);
    await failureOf(refresh(ofOrganization('a')));
    await failureOf(refresh(ofOrganization('b')));
    open.provider.script('/token', json(429, {}));
    await failureOf(refresh(ofOrganization('c')));
    open.provider.script('/token', unavailable);
    for (const name of ['d', 'e', 'f']) await failureOf(refresh(ofOrganization(name)));
    expect(changes).toEqual(['open']);
  });
});

describe('concurrent calls', () => {
  test('concurrent calls are limited for each endpoint, and a slow endpoint does not delay another', async () => {
    const respond: (() => void)[] = [];
    await gatewayTo([(response) => respond.push(() => granted(response))], { timing: { endpointConcurrency: 2 } });
    const calls = [refresh(), refresh(), refresh()];
    await arrived(2);
    open.provider.script('/elsewhere', granted);
    const settings = { ...open.client.settings, tokenUrl: `${open.provider.origin}/elsewhere` };
    await refresh({ ...open.client, settings });
    expect(open.provider.received.map(({ path }) => path)).toEqual(['/token', '/token', '/elsewhere']);
    respond.shift()?.();
    await arrived(4);
    for (const respondNow of respond) respondNow();
    await Promise.all(calls);
  });

  test('a call that cannot begin in time fails unsent and does not affect the circuit', async () => {
    const respond: (() => void)[] = [];
    await gatewayTo([(response) => respond.push(() => granted(response))], {
      template: { limits: { concurrency: 1 } },
    });
    const running = refresh();
    await arrived(1);
    const waiting = failureOf(refresh());
    await time.advance(2000);
    expect(await waiting).toMatchObject({ ...unsent, class: 'throttled', retryAfterMs: expect.any(Number) });
    respond[0]?.();
    await running;
    expect(requests()).toBe(1);
    expect(changes).toEqual([]);
  });

  test('a call that waited while the circuit opened fails unsent', async () => {
    const respond: (() => void)[] = [];
    await gatewayTo([(response) => respond.push(() => unavailable(response))], {
      template: { limits: { concurrency: 1 }, circuit: { failures: 1 } },
    });
    const running = failureOf(refresh());
    await arrived(1);
    const waiting = failureOf(refresh());
    respond[0]?.();
    await running;
    expect(await waiting).toMatchObject({ ...unsent, class: 'transient', retryAfterMs: 60_000 });
    expect(requests()).toBe(1);
  });

  test('requests per minute, including retries, are limited if the template says so', async () => {
    await gatewayTo([unavailable, granted], {
      template: { limits: { requestsPerMinute: 2 } },
      timing: { retries: 1 },
    });
    await refresh();
    expect(requests()).toBe(2);
    expect(await failureOf(refresh())).toMatchObject({ ...unsent, class: 'throttled' });
    await time.advance(60_000);
    await refresh();
    expect(requests()).toBe(3);
  });
});
