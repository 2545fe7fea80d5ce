import { beforeEach, describe, expect, test } from 'vitest';
import { aProviderFailure } from '../../../support/builders/provider.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
} from '../../../support/memory/broker.ts';

const actor = actorOf(null);
let broker: MemoryBroker;

beforeEach(() => {
  broker = createMemoryBroker();
});

describe('creating a connection', () => {
  test('a new connection is not_connected and has the redirect_uri to register', async () => {
    const view = await broker.createConnection(actorOf('acme:eu'), newConnection());
    expect(view).toMatchObject({
      status: 'not_connected',
      redirectUri: 'https://broker.test/callback/acme%3Aeu/crm',
    });
    expect(broker.rows.audit).toMatchObject([{ action: 'connection.created', organizationId: 'acme:eu' }]);
  });

  test('a connection without scopes gets those of the template', async () => {
    const view = await broker.createConnection(actor, newConnection({ provider: 'google-gmail', scopes: null }));
    expect(view.connection.settings.scopes).toContainEqual(expect.stringContaining('gmail'));
  });

  test('a second connection of the same name is refused and leaves no audit event', async () => {
    await broker.createConnection(actor, newConnection());
    await expect(broker.createConnection(actor, newConnection())).rejects.toMatchObject({ code: 'connection_exists' });
    expect(broker.rows.audit).toHaveLength(1);
  });

  test('response_mode form_post is refused if the public URL is http', async () => {
    const formPost = newConnection({ authorizeParams: { response_mode: 'form_post' } });
    broker.place.baseUrl = 'http://localhost:8080';
    await expect(broker.createConnection(actor, formPost)).rejects.toMatchObject({
      details: { errors: [{ path: 'authorize_params.response_mode' }] },
    });
    broker.place.baseUrl = 'https://broker.test';
    await expect(broker.createConnection(actor, formPost)).resolves.toBeDefined();
  });

  test('a client_credentials connection needs a secret', async () => {
    const robot = newConnection({ flow: 'client_credentials' }, { clientSecret: null });
    await expect(broker.createConnection(actor, robot)).rejects.toMatchObject({
      details: { errors: [{ path: 'client_secret' }] },
    });
  });

  test('a client_credentials connection is completed by its first token', async () => {
    const view = await broker.createConnection(actorOf('acme'), newConnection({ flow: 'client_credentials' }));
    expect(view).toMatchObject({
      status: 'completed',
      served: { organizationId: 'acme', metadata: { refreshable: true } },
    });
  });

  test.each([
    [{ class: 'client' }, 'client_rejected'],
    [{ class: 'configuration' }, 'configuration_rejected'],
    [{ class: 'transient' }, 'exchange_failed'],
    [{ class: 'throttled', retryAfterMs: 60_000 }, 'exchange_failed'],
    [{ class: 'reauthorization' }, 'exchange_failed'],
  ] as const)(
    'a client_credentials connection whose first request fails with %j is kept as %s, and tried again',
    async (failure, reason) => {
      broker.oauth.script.clientCredentials = aProviderFailure(failure);
      const view = await broker.createConnection(actor, newConnection({ flow: 'client_credentials' }));
      expect(view).toMatchObject({ status: 'failed', statusReason: reason });
      expect(view.served).toMatchObject({
        retryAt: expect.any(Date),
        lastError: { class: failure.class, attempts: 1 },
      });
    },
  );
});

describe('deleting a connection', () => {
  test('deleting a connection revokes the grants of every organisation after the row is gone', async () => {
    await broker.createConnection(actor, newConnection());
    await broker.importGrant(actor, 'crm', importedTokens());
    await broker.importGrant(actorOf('acme'), 'crm', importedTokens());
    await broker.deleteConnection(actor, 'crm', { confirmDisableWorkflows: false });
    expect(broker.rows.connections.size + broker.rows.grants.size).toBe(0);
    const revoked = broker.oauth.calls.filter(({ name }) => name === 'revoke');
    expect(revoked.map(({ tokens }) => tokens?.refreshToken?.reveal())).toEqual(['imported-rt', 'imported-rt']);
  });

  test('deleting a connection succeeds while the provider is down, and stops calling it', async () => {
    await broker.createConnection(actor, newConnection());
    for (let i = 0; i < 60; i++) await broker.importGrant(actor, 'crm', importedTokens({ subject: `user-${i}` }));
    broker.oauth.script.revoke = aProviderFailure({ sent: false });
    await broker.deleteConnection(actor, 'crm', { confirmDisableWorkflows: false });
    expect(broker.rows.connections.size).toBe(0);
    expect(broker.oauth.calls.length).toBeLessThan(20);
  });

  test('an organisation cannot delete a global connection', async () => {
    await broker.createConnection(actor, newConnection());
    await expect(
      broker.deleteConnection(actorOf('acme'), 'crm', { confirmDisableWorkflows: false }),
    ).rejects.toMatchObject({
      code: 'connection_not_found',
    });
  });
});
