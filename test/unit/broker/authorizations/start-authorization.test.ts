import { beforeEach, describe, expect, test } from 'vitest';
import { type AuthorizationStart, plainStart } from '../../../../src/broker/authorizations/start-authorization.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import {
  actorOf,
  createMemoryBroker,
  type MemoryBroker,
  newConnection,
  walkToCallback,
} from '../../../support/memory/broker.ts';

const acme = actorOf('acme');
let broker: MemoryBroker;

beforeEach(async () => {
  broker = createMemoryBroker();
  await broker.createConnection(actorOf(null), newConnection());
});

function start(change: Partial<AuthorizationStart> = {}, name = 'crm') {
  return broker.startAuthorization(acme, name, {
    ...plainStart,
    ...change,
  });
}

const by = (browserId: string, heldIds: string[] = []) => ({ browserId, heldIds, hasGoneOn: false });
const authorizations = () => [...broker.rows.authorizations.values()];

describe('starting an authorization', () => {
  test("starting returns the broker's own link and stores neither state nor verifier in clear", async () => {
    const { authorizationUrl, state, expiresAt } = await start();
    expect(authorizationUrl).toBe(`https://broker.test/authorize/${state}`);
    expect(Buffer.from(state, 'base64url')).toHaveLength(32);
    expect(expiresAt).toEqual(new Date('2030-01-01T00:15:00Z'));
    expect(JSON.stringify(broker.rows.audit) + JSON.stringify(authorizations())).not.toContain(state);
    expect(authorizations()[0]?.sealedVerifier).toBeInstanceOf(Uint8Array);
  });

  test('an authorization on a global connection is for the organisation, with the redirect_uri of the connection', async () => {
    await start({ subject: 'ada' });
    expect(authorizations()).toMatchObject([
      { organizationId: 'acme', subject: 'ada', redirectUri: 'https://broker.test/callback/crm' },
    ]);
  });

  test('further scopes are added to those of the connection, each once', async () => {
    await start({ scopes: ['write', 'read'] });
    expect(authorizations()[0]?.scopes).toEqual(['read', 'write']);
  });

  test.each(['client_credentials', 'refresh_token'] as const)(
    'a connection with flow %s cannot be authorized by a person',
    async (flow) => {
      await broker.createConnection(acme, newConnection({ flow }, { name: 'robot' }));
      await expect(start({}, 'robot')).rejects.toMatchObject({ code: 'flow_not_interactive' });
    },
  );

  test('a return_url that is not on the list starts nothing', async () => {
    await expect(start({ returnUrl: 'https://app.test@evil.test/' })).rejects.toMatchObject({
      details: { errors: [{ path: 'return_url' }] },
    });
    expect(authorizations()).toEqual([]);
  });

  test('an earlier link of the same subject stays usable: a person may have several tabs', async () => {
    const first = await start();
    await start();
    expect(await broker.openAuthorization(first.state, by('browser'))).toMatchObject({ kind: 'redirect' });
  });
});

describe('opening the link', () => {
  test('the last browser to open a link is bound, and only its callback is accepted', async () => {
    const { hit, state } = await walkToCallback(broker, 'acme');
    await broker.openAuthorization(state, by('later-browser'));
    expect(await broker.completeAuthorization(hit)).toMatchObject({ kind: 'refused' });
    expect(await broker.completeAuthorization({ ...hit, browserIds: ['later-browser'] })).toMatchObject({
      status: 'completed',
    });
  });

  test('an unknown, expired, cancelled, used or voided link leads nowhere', async () => {
    expect(await broker.openAuthorization('unknown', by('b'))).toMatchObject({ kind: 'refused' });

    const cancelled = await start({ subject: 'ada' });
    expect(await broker.cancelAuthorization(acme, 'crm', 'ada')).toBe(1);
    expect(await broker.openAuthorization(cancelled.state, by('b'))).toMatchObject({ kind: 'refused' });
    expect(await broker.getAuthorization(acme, cancelled.state)).toMatchObject({
      status: 'failed',
      statusReason: 'authorization_cancelled',
    });

    const used = await walkToCallback(broker, 'acme');
    await broker.completeAuthorization(used.hit);
    expect(await broker.openAuthorization(used.state, by('b'))).toMatchObject({ kind: 'refused' });

    const voided = await start();
    await broker.editConnection(actorOf(null), 'crm', {
      apply: (current) => ({ ...current, clientId: 'other' }),
      clientSecret: new Secret('s'),
      ifMatch: undefined,
      isApplied: false,
      confirmDisconnect: true,
    });
    expect(await broker.openAuthorization(voided.state, by('b'))).toMatchObject({ kind: 'refused' });

    const expired = await start();
    broker.time.now = expired.expiresAt;
    expect(await broker.openAuthorization(expired.state, by('b'))).toMatchObject({ kind: 'refused' });
  });
});

describe('following an authorization', () => {
  test('the authorization of another organisation is not found', async () => {
    const { state } = await start();
    await expect(broker.getAuthorization(actorOf('globex'), state)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('cancelling affects one subject only', async () => {
    const { state } = await start({ subject: 'ada' });
    expect(await broker.cancelAuthorization(acme, 'crm', null)).toBe(0);
    expect(await broker.getAuthorization(acme, state)).toMatchObject({ status: 'pending' });
  });
});
