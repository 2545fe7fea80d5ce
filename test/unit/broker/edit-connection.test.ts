import { beforeEach, describe, expect, test } from 'vitest';
import type { ConnectionEdit } from '../../../src/broker/edit-connection.ts';
import type { ConnectionSettings } from '../../../src/domain/connection.ts';
import { Secret } from '../../../src/domain/secret.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
  walkToCallback,
} from '../../support/memory-broker.ts';

const actor = actorOf(null);
let broker: MemoryBroker;

beforeEach(async () => {
  broker = createMemoryBroker();
  await broker.createConnection(actor, newConnection());
});

function edit(change: Partial<ConnectionSettings>, rest: Partial<ConnectionEdit> = {}) {
  const apply = (current: ConnectionSettings) => ({ ...current, ...change });
  return broker.editConnection(actor, 'crm', { apply, clientSecret: undefined, ifMatch: undefined, ...rest });
}

const stored = () => broker.rows.connections.values().next().value;
const onlyGrant = () => broker.rows.grants.values().next().value;

describe('an edit that redirects secrets or tokens', () => {
  test('is refused without the secret, and changes nothing', async () => {
    await broker.importGrant(actor, 'crm', importedTokens());
    const before = stored();
    await expect(edit({ tokenUrl: 'https://evil.test/', description: 'x' })).rejects.toMatchObject({
      code: 'client_secret_required',
      details: { changed: ['token_url'] },
    });
    expect(stored()).toBe(before);
    expect(onlyGrant()?.status).toBe('completed');
  });

  test('with the secret drops the tokens of every organisation and voids the trips under way', async () => {
    await broker.importGrant(actor, 'crm', importedTokens());
    await broker.importGrant(actorOf('acme'), 'crm', importedTokens());
    const { state } = await walkToCallback(broker, 'acme');
    const view = await edit({ testUrl: 'https://provider.test/me' }, { clientSecret: new Secret('new') });
    expect(view).toMatchObject({ status: 'not_connected', statusReason: 'configuration_changed' });
    expect(view.connection).toMatchObject({ configVersion: 2, revision: 2 });
    expect([...broker.rows.grants.values()].map((grant) => grant.sealedTokens)).toEqual([null, null]);
    expect(await broker.getAuthorization(actorOf('acme'), state)).toMatchObject({ status: 'failed' });
  });

  test('leaves the old secret behind', async () => {
    await edit({ clientId: 'other' }, { clientSecret: new Secret('new') });
    await broker.importGrant(actor, 'crm', importedTokens());
    await broker.revokeGrants(actor, 'crm', { subject: null, accountId: null, reason: null });
    expect(broker.oauth.calls.at(-1)?.client.secrets.map((secret) => secret.reveal())).toEqual(['new']);
  });

  test('needs no secret where none is stored', async () => {
    await broker.createConnection(actor, newConnection({}, { name: 'public', clientSecret: null }));
    const apply = (current: ConnectionSettings) => ({ ...current, clientId: 'other' });
    await expect(
      broker.editConnection(actor, 'public', { apply, clientSecret: undefined, ifMatch: undefined }),
    ).resolves.toMatchObject({ connection: { configVersion: 2 } });
  });

  test('spelling out a URL that is in force anyway redirects nothing', async () => {
    await broker.createConnection(actor, newConnection({ tokenUrl: null }, { name: 'templated' }));
    const apply = (current: ConnectionSettings) => ({ ...current, tokenUrl: 'https://provider.test/token' });
    await expect(
      broker.editConnection(actor, 'templated', { apply, clientSecret: undefined, ifMatch: undefined }),
    ).resolves.toMatchObject({ connection: { configVersion: 1, revision: 2 } });
  });
});

describe('an edit of the secret alone', () => {
  test('keeps the tokens and tries the old secret too', async () => {
    await broker.importGrant(actor, 'crm', importedTokens());
    await edit({}, { clientSecret: new Secret('new') });
    expect(onlyGrant()?.status).toBe('completed');
    await broker.revokeGrants(actor, 'crm', { subject: null, accountId: null, reason: null });
    const secrets = broker.oauth.calls.at(-1)?.client.secrets.map((secret) => secret.reveal());
    expect(secrets).toEqual(['new', 'client-secret']);
  });

  test('has a client_credentials connection fetch a token with it', async () => {
    await broker.createConnection(actor, newConnection({ flow: 'client_credentials' }, { name: 'robot' }));
    const calls = broker.oauth.calls.length;
    const apply = (current: ConnectionSettings) => current;
    await broker.editConnection(actor, 'robot', { apply, clientSecret: new Secret('new'), ifMatch: undefined });
    expect(broker.oauth.calls.slice(calls).map(({ name }) => name)).toEqual(['requestClientCredentials']);
  });

  test('cannot leave client_credentials without one', async () => {
    await broker.createConnection(actor, newConnection({ flow: 'client_credentials' }, { name: 'robot' }));
    const apply = (current: ConnectionSettings) => current;
    await expect(
      broker.editConnection(actor, 'robot', { apply, clientSecret: null, ifMatch: undefined }),
    ).rejects.toMatchObject({ details: { errors: [{ path: 'client_secret' }] } });
  });
});

describe('any edit', () => {
  test('is refused on another revision than the one read', async () => {
    await expect(edit({ description: 'x' }, { ifMatch: ['7'] })).rejects.toMatchObject({ code: 'precondition_failed' });
    await expect(edit({ description: 'x' }, { ifMatch: ['1'] })).resolves.toMatchObject({
      connection: { revision: 2 },
    });
    await expect(edit({ description: 'y' }, { ifMatch: '*' })).resolves.toMatchObject({ connection: { revision: 3 } });
  });

  test('that changes nothing leaves the revision', async () => {
    expect((await edit({})).connection.revision).toBe(1);
  });

  test('cannot change multi_account while a subject has two accounts', async () => {
    await edit({ multiAccount: true });
    await broker.importGrant(actor, 'crm', importedTokens({ accountId: 'T1' }));
    await broker.importGrant(actor, 'crm', importedTokens({ accountId: 'T2' }));
    await expect(edit({ multiAccount: false })).rejects.toMatchObject({
      details: { errors: [{ path: 'multi_account' }] },
    });
    expect(stored()?.settings.multiAccount).toBe(true);
  });

  test('never reaches a global connection from an organisation', async () => {
    const apply = (current: ConnectionSettings) => current;
    await expect(
      broker.editConnection(actorOf('acme'), 'crm', { apply, clientSecret: undefined, ifMatch: undefined }),
    ).rejects.toMatchObject({ code: 'connection_not_found' });
  });
});
