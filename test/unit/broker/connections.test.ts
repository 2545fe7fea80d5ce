import { beforeEach, describe, expect, test } from 'vitest';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
} from '../../support/memory-broker.ts';
import { failureOf } from '../../support/scripted-gateway.ts';

const actor = actorOf(null);
let broker: MemoryBroker;

beforeEach(() => {
  broker = createMemoryBroker();
});

describe('creating a connection', () => {
  test('answers it unconnected, with the redirect_uri to register', async () => {
    const view = await broker.createConnection(actorOf('acme:eu'), newConnection());
    expect(view).toMatchObject({
      status: 'not_connected',
      redirectUri: 'https://broker.test/callback/acme%3Aeu/crm',
    });
    expect(broker.rows.audit).toMatchObject([{ action: 'connection.created', organizationId: 'acme:eu' }]);
  });

  test('without scopes takes those of the template', async () => {
    const view = await broker.createConnection(actor, newConnection({ provider: 'google-gmail', scopes: null }));
    expect(view.connection.settings.scopes).toContainEqual(expect.stringContaining('gmail'));
  });

  test('a second one of that name is refused and leaves no trace', async () => {
    await broker.createConnection(actor, newConnection());
    await expect(broker.createConnection(actor, newConnection())).rejects.toMatchObject({ code: 'connection_exists' });
    expect(broker.rows.audit).toHaveLength(1);
  });

  test('form_post is refused where the public URL is http', async () => {
    const formPost = newConnection({ authorizeParams: { response_mode: 'form_post' } });
    broker.place.baseUrl = 'http://localhost:8080';
    await expect(broker.createConnection(actor, formPost)).rejects.toMatchObject({
      details: { errors: [{ path: 'authorize_params.response_mode' }] },
    });
    broker.place.baseUrl = 'https://broker.test';
    await expect(broker.createConnection(actor, formPost)).resolves.toBeDefined();
  });

  test('client_credentials needs a secret', async () => {
    const robot = newConnection({ flow: 'client_credentials' }, { clientSecret: null });
    await expect(broker.createConnection(actor, robot)).rejects.toMatchObject({
      details: { errors: [{ path: 'client_secret' }] },
    });
  });

  test('client_credentials is completed by the token it fetches', async () => {
    const view = await broker.createConnection(actorOf('acme'), newConnection({ flow: 'client_credentials' }));
    expect(view).toMatchObject({
      status: 'completed',
      served: { organizationId: 'acme', facts: { refreshable: true } },
    });
  });

  test.each([
    [{ class: 'client' }, 'client_rejected', false],
    [{ class: 'configuration' }, 'configuration_rejected', true],
    [{ class: 'transient' }, 'exchange_failed', true],
    [{ class: 'throttled', retryAfterMs: 60_000 }, 'exchange_failed', true],
    [{ class: 'reauthorization' }, 'exchange_failed', false],
  ] as const)('client_credentials that fails with %j is kept, failed with %s', async (failure, reason, comesBack) => {
    broker.oauth.script.clientCredentials = failureOf(failure);
    const view = await broker.createConnection(actor, newConnection({ flow: 'client_credentials' }));
    expect(view).toMatchObject({ status: 'failed', statusReason: reason });
    expect(view.served?.retryAt !== null).toBe(comesBack);
  });
});

describe('deleting a connection', () => {
  test('revokes the grants of every organisation, each with its own tokens, once the row is gone', async () => {
    await broker.createConnection(actor, newConnection());
    await broker.importGrant(actor, 'crm', importedTokens());
    await broker.importGrant(actorOf('acme'), 'crm', importedTokens());
    await broker.deleteConnection(actor, 'crm', { confirmDisableWorkflows: false });
    expect(broker.rows.connections.size + broker.rows.grants.size).toBe(0);
    const revoked = broker.oauth.calls.filter(({ name }) => name === 'revoke');
    expect(revoked.map(({ tokens }) => tokens?.refreshToken?.reveal())).toEqual(['imported-rt', 'imported-rt']);
  });

  test('succeeds while the provider is away, and does not ask it for ever', async () => {
    await broker.createConnection(actor, newConnection());
    for (let i = 0; i < 60; i++) await broker.importGrant(actor, 'crm', importedTokens({ subject: `user-${i}` }));
    broker.oauth.script.revoke = failureOf({ sent: false });
    await broker.deleteConnection(actor, 'crm', { confirmDisableWorkflows: false });
    expect(broker.rows.connections.size).toBe(0);
    expect(broker.oauth.calls.length).toBeLessThan(20);
  });

  test('of the global scope is none of an organisation', async () => {
    await broker.createConnection(actor, newConnection());
    await expect(
      broker.deleteConnection(actorOf('acme'), 'crm', { confirmDisableWorkflows: false }),
    ).rejects.toMatchObject({ code: 'connection_not_found' });
  });
});
