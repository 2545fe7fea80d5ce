import { beforeEach, describe, expect, test } from 'vitest';
import type { GetCredential } from '../../../../src/broker/credentials/get-credential.ts';
import { createTestConnection } from '../../../../src/broker/grants/test-connection.ts';
import type { Grant } from '../../../../src/domain/grants/grant.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import { aProviderFailure } from '../../../support/builders/provider.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
} from '../../../support/memory/broker.ts';
import { createMemoryCipher } from '../../../support/memory/cipher.ts';

const acme = actorOf('acme');
const nobody = { subject: null, accountId: null };
let broker: MemoryBroker;
let requests: Parameters<GetCredential>[];

beforeEach(async () => {
  broker = createMemoryBroker();
  requests = [];
  await broker.createConnection(actorOf(null), newConnection());
});

/** Serves the organisation's first grant, else the first of any owner, like a lookup with its fallback. */
const getCredential: GetCredential = async (actor, request) => {
  requests.push([actor, request]);
  const grants = [...broker.rows.grants.values()];
  const grant = grants.find(({ organizationId }) => organizationId === actor.organizationId) ?? grants[0];
  if (grant === undefined) throw new Error('Nothing to serve.');
  return {
    connectionName: request.connectionName,
    organizationId: null,
    grantOrganizationId: grant.organizationId,
    subject: grant.subject,
    accountId: grant.accountId,
    expiresAt: null,
    scopes: [],
    version: grant.version,
    status: grant.status,
    statusReason: null,
    nextAction: 'none',
    openTokens: () => ({ accessToken: new Secret('live-at'), tokenType: 'Bearer', extra: {} }),
  };
};

const run = (actor = acme, selector: { subject: string | null; accountId: string | null } = nobody) =>
  createTestConnection({
    database: broker.database,
    getCredential,
    oauth: broker.oauth,
    cipher: createMemoryCipher(),
    clock: () => broker.time.now,
  })(actor, 'crm', selector);

const stored = (grant: Grant) => broker.rows.grants.get(grant.id);

describe('testing a connection', () => {
  test('a test probes with the live token and records its success', async () => {
    const grant = await broker.importGrant(acme, 'crm', importedTokens());
    broker.oauth.script.probe = {
      result: 'success',
      message: 'ok',
      responseTimeMs: 12,
      account: null,
      httpStatus: 200,
    };
    expect(await run()).toEqual({
      testResult: 'success',
      message: 'ok',
      testedAt: broker.time.now,
      responseTimeMs: 12,
    });
    expect(broker.oauth.calls.at(-1)?.tokens?.accessToken.reveal()).toBe('imported-at');
    expect(stored(grant)).toMatchObject({ lastTestAt: broker.time.now, health: 'healthy' });
  });

  test.each([
    ['U1', true],
    ['U2', false],
    [null, false],
  ])('a test whose probe names the account %s verifies U1: %s', async (id, accountVerified) => {
    const grant = await broker.importGrant(acme, 'crm', importedTokens({ accountId: 'U1' }));
    const account = id === null ? null : { id, name: null };
    broker.oauth.script.probe = { result: 'success', message: 'ok', responseTimeMs: 1, account, httpStatus: 200 };
    await run();
    expect(stored(grant)).toMatchObject({ accountId: 'U1', accountVerified });
  });

  test('a test records an unreachable provider as unhealthy', async () => {
    const grant = await broker.importGrant(acme, 'crm', importedTokens());
    broker.oauth.script.probe = aProviderFailure({ sent: false });
    expect(await run()).toMatchObject({ testResult: 'failed' });
    expect(stored(grant)).toMatchObject({ health: 'unhealthy', status: 'completed' });
  });

  test('a skipped probe leaves the health unchanged', async () => {
    const grant = await broker.importGrant(acme, 'crm', importedTokens());
    expect(await run()).toMatchObject({ testResult: 'skipped' });
    expect(stored(grant)).toMatchObject({ lastTestAt: broker.time.now, health: null });
  });

  test('a test of an organisation never uses the shared grant', async () => {
    const shared = await broker.importGrant(actorOf(null), 'crm', importedTokens());
    await expect(run()).rejects.toMatchObject({ code: 'connection_not_ready' });
    await expect(run(acme, { subject: 'ada', accountId: null })).rejects.toMatchObject({ code: 'grant_not_found' });
    expect(requests).toEqual([]);
    expect(stored(shared)?.lastTestAt).toBeNull();
  });

  test('a caller that may not read credentials of a connection can still test it', async () => {
    await broker.importGrant(acme, 'crm', importedTokens());
    await run({ ...acme, caller: { ...acme.caller, connections: ['other'] } });
    expect(requests[0]?.[0].caller.connections).toBeNull();
  });
});
