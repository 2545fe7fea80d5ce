import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OAuthClient } from '../../../src/domain/ports/oauth.ts';
import { createFakeTime, type FakeTime } from '../../support/fake-time.ts';
import {
  exchange,
  failureOf,
  fixedNow,
  type GatewayFixture,
  type GatewayFixtureOptions,
  held,
  startGateway,
} from '../../support/gateway-fixture.ts';
import { closeMidBody, gzipBomb, json, type Reply, reset, text } from '../../support/hostile-provider.ts';

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
const ofClient = (clientId: string): OAuthClient => ({
  ...open.client,
  settings: { ...open.client.settings, clientId },
});
const requests = () => open.provider.received.length;

async function failing(times: number): Promise<void> {
  for (let i = 0; i < times; i++) await failureOf(refresh());
}

/** Until the provider has this many requests in hand; it answers when told. */
async function arrived(count: number): Promise<void> {
  while (requests() < count) await new Promise((resolve) => setImmediate(resolve));
}

describe('the circuit of a token endpoint', () => {
  test('opens after five failed calls, refuses unsent for a minute, and closes after three good ones', async () => {
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

  test('counts calls and not tries', async () => {
    await gatewayTo([unavailable], { timing: { retries: 3 } });
    await failing(4);
    expect(requests()).toBe(16);
    expect(changes).toEqual([]);
    await failing(1);
    expect(changes).toEqual(['open']);
  });

  test('half open lets one call through and no second beside it', async () => {
    const answers: (() => void)[] = [];
    await gatewayTo([unavailable]);
    await failing(5);
    open.provider.script('/token', (response) => answers.push(() => granted(response)));
    await time.advance(60_000);
    const trial = refresh();
    await arrived(6);
    expect(await failureOf(refresh())).toMatchObject({ ...unsent, class: 'transient' });
    answers[0]?.();
    await trial;
    expect(requests()).toBe(6);
  });

  test.each([
    ['a reset', reset],
    ['a body cut off', closeMidBody],
    ['HTML', text(200, '<html>')],
    ['a bomb', gzipBomb],
    ['a redirect', text(307, '')],
    ['404', text(404, '')],
    ['temporarily_unavailable', json(400, { error: 'temporarily_unavailable' })],
  ])('%s is a failure of the endpoint', async (_, reply) => {
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
  ])('%s is an answer, and proves the endpoint alive', async (error) => {
    await gatewayTo([unavailable], { template: { terminalErrors: ['gone_for_good'] } });
    await failing(4);
    open.provider.script('/token', json(400, { error }));
    await failing(10);
    open.provider.script('/token', unavailable);
    await failing(4);
    expect(changes).toEqual([]);
  });

  test('an address that our own rules refuse says nothing of the endpoint', async () => {
    await gatewayTo([granted], { settings: { tokenUrl: 'http://169.254.169.254/token' } });
    for (let i = 0; i < 6; i++) expect(await failureOf(refresh())).toMatchObject({ class: 'refused' });
    expect(changes).toEqual([]);
  });

  test('takes its numbers from the template where it declares them', async () => {
    await gatewayTo([unavailable], { template: { circuit: { failures: 2, openSeconds: 5, successes: 1 } } });
    await failing(2);
    expect(await failureOf(refresh())).toMatchObject({ ...unsent, retryAfterMs: 5000 });
    open.provider.script('/token', granted);
    await time.advance(5000);
    await refresh();
    expect(changes).toEqual(['open', 'half_open', 'closed']);
  });

  test('is shared by refresh and client_credentials of every client, and by no other endpoint', async () => {
    await gatewayTo([unavailable]);
    await failing(5);
    const credentials = open.gateway.requestClientCredentials(ofClient('other'), []);
    expect(await failureOf(credentials)).toMatchObject({ ...unsent, class: 'transient' });
    open.provider.script('/elsewhere', granted);
    const settings = { ...open.client.settings, tokenUrl: `${open.provider.origin}/elsewhere` };
    await refresh({ ...open.client, settings });
  });

  test('leaves a person who waits, revocation and probes alone', async () => {
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

  test('can be read: endpoint, state, since when', async () => {
    await gatewayTo([unavailable], { urls: (origin) => ({ tokenUrl: `${origin}/token?tenant=secret` }) });
    await failing(1);
    const endpoint = `${open.provider.origin}/token`;
    expect(open.gateway.circuits()).toEqual([{ endpoint, state: 'closed', since: fixedNow }]);
    await time.advance(1000);
    await failing(4);
    expect(open.gateway.circuits()).toEqual([{ endpoint, state: 'open', since: new Date(fixedNow.getTime() + 1000) }]);
  });
});

describe('a client that was told to slow down', () => {
  test.each([
    ['429 with Retry-After', json(429, {}, { 'retry-after': '90' }), 90_000],
    ['429 that asks for a day', json(429, {}, { 'retry-after': '86400' }), 900_000],
    ['429 alone', json(429, {}), 30_000],
    ['slow_down', json(400, { error: 'slow_down' }), 30_000],
  ])('%s pauses its calls, which are refused unsent meanwhile', async (_, reply, pauseMs) => {
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

  test('does not stop another client of the same endpoint, nor a person who waits', async () => {
    await gatewayTo([json(429, {}, { 'retry-after': '90' }), granted]);
    await failing(1);
    await refresh(ofClient('other'));
    await open.gateway.exchangeCode(open.client, exchange());
    expect(requests()).toBe(3);
  });

  test('feeds no circuit, and interrupts no run of failures', async () => {
    await gatewayTo([json(429, {}, { 'retry-after': '1' })]);
    for (let i = 0; i < 10; i++) await failureOf(refresh(ofClient(`client-${i}`)));
    expect(changes).toEqual([]);
    open.provider.script('/token', unavailable);
    await failureOf(refresh(ofClient('a')));
    await failureOf(refresh(ofClient('b')));
    open.provider.script('/token', json(429, {}));
    await failureOf(refresh(ofClient('c')));
    open.provider.script('/token', unavailable);
    for (const name of ['d', 'e', 'f']) await failureOf(refresh(ofClient(name)));
    expect(changes).toEqual(['open']);
  });
});

describe('calls at once', () => {
  test('are bounded for each endpoint; one that is slow holds up no other', async () => {
    const answers: (() => void)[] = [];
    await gatewayTo([(response) => answers.push(() => granted(response))], { timing: { endpointConcurrency: 2 } });
    const calls = [refresh(), refresh(), refresh()];
    await arrived(2);
    open.provider.script('/elsewhere', granted);
    const settings = { ...open.client.settings, tokenUrl: `${open.provider.origin}/elsewhere` };
    await refresh({ ...open.client, settings });
    expect(open.provider.received.map(({ path }) => path)).toEqual(['/token', '/token', '/elsewhere']);
    answers.shift()?.();
    await arrived(4);
    for (const answer of answers) answer();
    await Promise.all(calls);
  });

  test('one that cannot begin in time fails unsent and says nothing of the endpoint', async () => {
    const answers: (() => void)[] = [];
    await gatewayTo([(response) => answers.push(() => granted(response))], {
      template: { limits: { concurrency: 1 } },
    });
    const running = refresh();
    await arrived(1);
    const waiting = failureOf(refresh());
    await time.advance(2000);
    expect(await waiting).toMatchObject({ ...unsent, class: 'throttled', retryAfterMs: expect.any(Number) });
    answers[0]?.();
    await running;
    expect(requests()).toBe(1);
    expect(changes).toEqual([]);
  });

  test('a call that waited while the circuit opened is refused and not made', async () => {
    const answers: (() => void)[] = [];
    await gatewayTo([(response) => answers.push(() => unavailable(response))], {
      template: { limits: { concurrency: 1 }, circuit: { failures: 1 } },
    });
    const running = failureOf(refresh());
    await arrived(1);
    const waiting = failureOf(refresh());
    answers[0]?.();
    await running;
    expect(await waiting).toMatchObject({ ...unsent, class: 'transient', retryAfterMs: 60_000 });
    expect(requests()).toBe(1);
  });

  test('requests in a minute are bounded where the template says, repeats included', async () => {
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
