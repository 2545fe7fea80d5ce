import { beforeEach, describe, expect, test } from 'vitest';
import type { ConnectionEdit } from '../../../../src/broker/connections/edit-connection.ts';
import type { ConnectionSettings } from '../../../../src/domain/connections/connection.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
  walkToCallback,
} from '../../../support/memory/broker.ts';

const actor = actorOf(null);
let broker: MemoryBroker;

beforeEach(async () => {
  broker = createMemoryBroker();
  await broker.createConnection(actor, newConnection());
});

function edit(change: Partial<ConnectionSettings>, rest: Partial<ConnectionEdit> = {}) {
  const apply = (current: ConnectionSettings) => ({ ...current, ...change });
  return broker.editConnection(actor, 'crm', {
    apply,
    clientSecret: undefined,
    ifMatch: undefined,
    isApplied: false,
    confirmDisconnect: true,
    ...rest,
  });
}

const stored = () => broker.rows.connections.values().next().value;
const onlyGrant = () => broker.rows.grants.values().next().value;

describe('an edit that redirects secrets or tokens', () => {
  test('a redirecting edit without the secret is refused and changes nothing', async () => {
    await broker.importGrant(actor, 'crm', importedTokens());
    const before = stored();
    await expect(edit({ tokenUrl: 'https://evil.test/', description: 'x' })).rejects.toMatchObject({
      code: 'client_secret_required',
      details: { changed: ['token_url'] },
    });
    expect(stored()).toBe(before);
    expect(onlyGrant()?.status).toBe('completed');
  });

  test('a redirecting edit drops the tokens of every organisation and voids pending authorizations', async () => {
    await broker.importGrant(actor, 'crm', importedTokens());
    await broker.importGrant(actorOf('acme'), 'crm', importedTokens());
    const { state } = await walkToCallback(broker, 'acme');
    const view = await edit({ tokenUrl: 'https://provider.test/other' }, { clientSecret: new Secret('new') });
    expect(view).toMatchObject({ status: 'not_connected', statusReason: 'configuration_changed' });
    expect(view.connection).toMatchObject({ configVersion: 2, revision: 2 });
    expect([...broker.rows.grants.values()].map((grant) => grant.sealedTokens)).toEqual([null, null]);
    expect(await broker.getAuthorization(actorOf('acme'), state)).toMatchObject({ status: 'failed' });
  });

  test('a redirecting edit drops the old secret', async () => {
    await edit({ clientId: 'other' }, { clientSecret: new Secret('new') });
    await broker.importGrant(actor, 'crm', importedTokens());
    await broker.revokeGrants(actor, 'crm', { subject: null, accountId: null, reason: null });
    expect(broker.oauth.calls.at(-1)?.client.secrets.map((secret) => secret.reveal())).toEqual(['new']);
  });

  test('a redirecting edit needs no secret if none is stored', async () => {
    await broker.createConnection(actor, newConnection({}, { name: 'public', clientSecret: null }));
    const apply = (current: ConnectionSettings) => ({ ...current, clientId: 'other' });
    await expect(
      broker.editConnection(actor, 'public', {
        apply,
        clientSecret: undefined,
        ifMatch: undefined,
        isApplied: false,
        confirmDisconnect: true,
      }),
    ).resolves.toMatchObject({ connection: { configVersion: 2 } });
  });

  test('writing out a URL that is already effective redirects nothing', async () => {
    await broker.createConnection(actor, newConnection({ tokenUrl: null }, { name: 'templated' }));
    const apply = (current: ConnectionSettings) => ({ ...current, tokenUrl: 'https://provider.test/token' });
    await expect(
      broker.editConnection(actor, 'templated', {
        apply,
        clientSecret: undefined,
        ifMatch: undefined,
        isApplied: false,
        confirmDisconnect: true,
      }),
    ).resolves.toMatchObject({ connection: { configVersion: 1, revision: 2 } });
  });
});

describe('an edit of the secret alone', () => {
  test('an edit of the secret alone keeps the tokens and the old secret', async () => {
    await broker.importGrant(actor, 'crm', importedTokens());
    await edit({}, { clientSecret: new Secret('new') });
    expect(onlyGrant()?.status).toBe('completed');
    await broker.revokeGrants(actor, 'crm', { subject: null, accountId: null, reason: null });
    const secrets = broker.oauth.calls.at(-1)?.client.secrets.map((secret) => secret.reveal());
    expect(secrets).toEqual(['new', 'client-secret']);
  });

  test('a new secret makes a client_credentials connection obtain a token with it', async () => {
    await broker.createConnection(actor, newConnection({ flow: 'client_credentials' }, { name: 'robot' }));
    const calls = broker.oauth.calls.length;
    const apply = (current: ConnectionSettings) => current;
    await broker.editConnection(actor, 'robot', {
      apply,
      clientSecret: new Secret('new'),
      ifMatch: undefined,
      isApplied: false,
      confirmDisconnect: true,
    });
    expect(broker.oauth.calls.slice(calls).map(({ name }) => name)).toEqual(['requestClientCredentials']);
  });

  test('the secret of a client_credentials connection cannot be removed', async () => {
    await broker.createConnection(actor, newConnection({ flow: 'client_credentials' }, { name: 'robot' }));
    const apply = (current: ConnectionSettings) => current;
    await expect(
      broker.editConnection(actor, 'robot', {
        apply,
        clientSecret: null,
        ifMatch: undefined,
        isApplied: false,
        confirmDisconnect: true,
      }),
    ).rejects.toMatchObject({ details: { errors: [{ path: 'client_secret' }] } });
  });
});

describe('any edit', () => {
  test('an edit of another revision than the one read is refused', async () => {
    await expect(edit({ description: 'x' }, { ifMatch: ['7'] })).rejects.toMatchObject({ code: 'precondition_failed' });
    await expect(edit({ description: 'x' }, { ifMatch: ['1'] })).resolves.toMatchObject({
      connection: { revision: 2 },
    });
    await expect(edit({ description: 'y' }, { ifMatch: '*' })).resolves.toMatchObject({ connection: { revision: 3 } });
  });

  test('an edit that changes nothing keeps the revision', async () => {
    expect((await edit({})).connection.revision).toBe(1);
  });

  test('multi_account cannot change while a subject has two accounts', async () => {
    await edit({ multiAccount: true });
    await broker.importGrant(actor, 'crm', importedTokens({ accountId: 'T1' }));
    await broker.importGrant(actor, 'crm', importedTokens({ accountId: 'T2' }));
    await expect(edit({ multiAccount: false })).rejects.toMatchObject({
      details: { errors: [{ path: 'multi_account' }] },
    });
    expect(stored()?.settings.multiAccount).toBe(true);
  });

  test('an organisation cannot edit a global connection', async () => {
    const apply = (current: ConnectionSettings) => current;
    await expect(
      broker.editConnection(actorOf('acme'), 'crm', {
        apply,
        clientSecret: undefined,
        ifMatch: undefined,
        isApplied: false,
        confirmDisconnect: true,
      }),
    ).rejects.toMatchObject({ code: 'connection_not_found' });
  });
});
