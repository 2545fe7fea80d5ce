import { beforeEach, describe, expect, test } from 'vitest';
import { aProviderFailure } from '../../../support/builders/provider.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
} from '../../../support/memory/broker.ts';

const shared = actorOf(null);
const acme = actorOf('acme');
let broker: MemoryBroker;

beforeEach(async () => {
  broker = createMemoryBroker();
  await broker.createConnection(shared, newConnection());
});

describe('importing a grant', () => {
  test('an imported token set is stored unchanged', async () => {
    const grant = await broker.importGrant(acme, 'crm', importedTokens());
    expect(grant).toMatchObject({ organizationId: 'acme', status: 'completed' });
    expect(grant.metadata).toMatchObject({ refreshable: true, obtainedAt: null, lifetimeSeconds: null });
  });

  test('an imported refresh token without access token is due at once', async () => {
    const grant = await broker.importGrant(acme, 'crm', importedTokens({ accessToken: null, expiresAt: null }));
    expect(grant.metadata).toMatchObject({ expiresAt: broker.time.now, refreshable: true });
    expect(grant.nextRefreshAt).toEqual(broker.time.now);
  });

  test('an import without access token and refresh token is refused', async () => {
    const empty = importedTokens({ accessToken: null, refreshToken: null });
    await expect(broker.importGrant(acme, 'crm', empty)).rejects.toMatchObject({
      details: { errors: [{ path: 'access_token' }] },
    });
  });

  test('an import into a filled slot keeps the row and increments its version', async () => {
    const first = await broker.importGrant(acme, 'crm', importedTokens());
    const second = await broker.importGrant(acme, 'crm', importedTokens({ refreshToken: null }));
    expect(second).toMatchObject({ id: first.id, version: first.version + 1, metadata: { refreshable: false } });
  });
});

describe('listing and deleting grants', () => {
  test("an organisation lists and deletes only its own grants, also below another's connection", async () => {
    const theirs = await broker.importGrant(shared, 'crm', importedTokens());
    const own = await broker.importGrant(acme, 'crm', importedTokens());
    const { grants } = await broker.listGrants(acme, 'crm', { limit: 50 });
    expect(grants.map(({ id }) => id)).toEqual([own.id]);
    await expect(broker.deleteGrant(acme, 'crm', theirs.id)).rejects.toMatchObject({ code: 'grant_not_found' });
    await broker.deleteGrant(acme, 'crm', own.id);
    expect([...broker.rows.grants.keys()]).toEqual([theirs.id]);
  });

  test('a grant is not deleted through another connection', async () => {
    const own = await broker.importGrant(acme, 'crm', importedTokens());
    await broker.createConnection(acme, newConnection({}, { name: 'other' }));
    await expect(broker.deleteGrant(acme, 'other', own.id)).rejects.toMatchObject({ code: 'grant_not_found' });
  });
});

describe('revoking grants', () => {
  const nobody = { subject: null, accountId: null, reason: 'leaver' };

  test('revoking without a subject affects the empty subject only, and never the shared grant', async () => {
    await broker.importGrant(shared, 'crm', importedTokens());
    await broker.importGrant(acme, 'crm', importedTokens({ subject: 'ada' }));
    const own = await broker.importGrant(acme, 'crm', importedTokens());
    expect(await broker.revokeGrants(acme, 'crm', nobody)).toEqual([
      { grantId: own.id, subject: null, accountId: null, revokedAtProvider: true },
    ]);
    const statuses = [...broker.rows.grants.values()].map(({ status }) => status);
    expect(statuses.toSorted()).toEqual(['completed', 'completed', 'failed']);
    expect(broker.rows.grants.get(own.id)).toMatchObject({
      sealedTokens: null,
      statusReason: 'revoked',
      revokedBy: 'bootstrap',
      revokedReason: 'leaver',
    });
  });

  test('a grant is revoked locally while the provider is down', async () => {
    await broker.importGrant(acme, 'crm', importedTokens());
    broker.oauth.script.revoke = aProviderFailure({ sent: false });
    expect(await broker.revokeGrants(acme, 'crm', nobody)).toMatchObject([{ revokedAtProvider: false }]);
    expect([...broker.rows.grants.values()]).toMatchObject([{ statusReason: 'revoked', sealedTokens: null }]);
  });

  test('a second revocation keeps the first revoker on record', async () => {
    await broker.importGrant(acme, 'crm', importedTokens());
    await broker.revokeGrants(acme, 'crm', nobody);
    await broker.revokeGrants(acme, 'crm', { ...nobody, reason: 'another' });
    expect([...broker.rows.grants.values()]).toMatchObject([{ revokedReason: 'leaver' }]);
  });

  test('revoking returns an empty list without grants, and not_found for a named subject', async () => {
    expect(await broker.revokeGrants(acme, 'crm', nobody)).toEqual([]);
    await expect(broker.revokeGrants(acme, 'crm', { ...nobody, subject: 'ada' })).rejects.toMatchObject({
      code: 'grant_not_found',
    });
  });
});
