import { beforeEach, describe, expect, test } from 'vitest';
import type { AuthorizationStart } from '../../../src/broker/start-authorization.ts';
import { Secret } from '../../../src/domain/secret.ts';
import {
  actorOf,
  createMemoryBroker,
  type MemoryBroker,
  newConnection,
  walkToCallback,
} from '../../support/memory-broker.ts';

const acme = actorOf('acme');
let broker: MemoryBroker;

beforeEach(async () => {
  broker = createMemoryBroker();
  await broker.createConnection(actorOf(null), newConnection());
});

function start(change: Partial<AuthorizationStart> = {}, name = 'crm') {
  return broker.startAuthorization(acme, name, {
    subject: null,
    accountId: null,
    allowAccountChange: false,
    scopes: null,
    returnUrl: null,
    loginHint: null,
    prompt: null,
    ...change,
  });
}

const trips = () => [...broker.rows.trips.values()];

describe('starting an authorization', () => {
  test("answers the broker's own link, and stores neither the state nor the verifier readable", async () => {
    const { authorizationUrl, state, expiresAt } = await start();
    expect(authorizationUrl).toBe(`https://broker.test/authorize/${state}`);
    expect(Buffer.from(state, 'base64url')).toHaveLength(32);
    expect(expiresAt).toEqual(new Date('2030-01-01T00:15:00Z'));
    expect(JSON.stringify(broker.rows.audit) + JSON.stringify(trips())).not.toContain(state);
    expect(trips()[0]?.sealedVerifier).toBeInstanceOf(Uint8Array);
  });

  test('on a global connection is about a grant of the organisation, with the redirect_uri of the connection', async () => {
    await start({ subject: 'ada' });
    expect(trips()).toMatchObject([
      { organizationId: 'acme', subject: 'ada', redirectUri: 'https://broker.test/callback/crm' },
    ]);
  });

  test('asks for further scopes on top of those of the connection, each once', async () => {
    await start({ scopes: ['write', 'read'] });
    expect(trips()[0]?.scopes).toEqual(['read', 'write']);
  });

  test.each(['client_credentials', 'refresh_token'] as const)('%s has no person to ask', async (flow) => {
    await broker.createConnection(acme, newConnection({ flow }, { name: 'robot' }));
    await expect(start({}, 'robot')).rejects.toMatchObject({ code: 'flow_not_interactive' });
  });

  test('a return_url that is not on the list starts nothing', async () => {
    await expect(start({ returnUrl: 'https://app.test@evil.test/' })).rejects.toMatchObject({
      details: { errors: [{ path: 'return_url' }] },
    });
    expect(trips()).toEqual([]);
  });

  test('leaves an earlier link of the same subject usable: a person may have several tabs', async () => {
    const first = await start();
    await start();
    expect(await broker.openAuthorization(first.state, 'browser')).toMatchObject({ kind: 'redirect' });
  });
});

describe('opening the link', () => {
  test('the latest opener binds, and only that browser can come back', async () => {
    const { hit, state } = await walkToCallback(broker, 'acme');
    await broker.openAuthorization(state, 'later-browser');
    expect(await broker.completeAuthorization(hit)).toMatchObject({ kind: 'refused' });
    expect(await broker.completeAuthorization({ ...hit, browserId: 'later-browser' })).toMatchObject({
      status: 'completed',
    });
  });

  test('an unknown, expired, cancelled, used or voided link leads nowhere', async () => {
    expect(await broker.openAuthorization('unknown', 'b')).toMatchObject({ kind: 'refused' });

    const cancelled = await start({ subject: 'ada' });
    expect(await broker.cancelAuthorization(acme, 'crm', 'ada')).toBe(1);
    expect(await broker.openAuthorization(cancelled.state, 'b')).toMatchObject({ kind: 'refused' });
    expect(await broker.getAuthorization(acme, cancelled.state)).toMatchObject({
      status: 'failed',
      statusReason: 'authorization_cancelled',
    });

    const used = await walkToCallback(broker, 'acme');
    await broker.completeAuthorization(used.hit);
    expect(await broker.openAuthorization(used.state, 'b')).toMatchObject({ kind: 'refused' });

    const voided = await start();
    await broker.editConnection(actorOf(null), 'crm', {
      apply: (current) => ({ ...current, clientId: 'other' }),
      clientSecret: new Secret('s'),
      ifMatch: undefined,
    });
    expect(await broker.openAuthorization(voided.state, 'b')).toMatchObject({ kind: 'refused' });

    const expired = await start();
    broker.time.now = expired.expiresAt;
    expect(await broker.openAuthorization(expired.state, 'b')).toMatchObject({ kind: 'refused' });
  });
});

describe('following a trip', () => {
  test("another organisation's state is not found", async () => {
    const { state } = await start();
    await expect(broker.getAuthorization(actorOf('globex'), state)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('cancelling is about one subject', async () => {
    const { state } = await start({ subject: 'ada' });
    expect(await broker.cancelAuthorization(acme, 'crm', null)).toBe(0);
    expect(await broker.getAuthorization(acme, state)).toMatchObject({ status: 'pending' });
  });
});
