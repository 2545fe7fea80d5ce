import { beforeEach, describe, expect, test } from 'vitest';
import type { GetCredential } from '../../../src/broker/get-credential.ts';
import { createTestConnection } from '../../../src/broker/test-connection.ts';
import type { Grant } from '../../../src/domain/grant.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
} from '../../support/memory-broker.ts';
import { createMemoryCipher } from '../../support/memory-cipher.ts';
import { failureOf } from '../../support/scripted-gateway.ts';

const acme = actorOf('acme');
const nobody = { subject: null, accountId: null };
let broker: MemoryBroker;
let asked: Parameters<GetCredential>[];

beforeEach(async () => {
  broker = createMemoryBroker();
  asked = [];
  await broker.createConnection(actorOf(null), newConnection());
});

/** Serves the organisation's first grant, else the first there is, as a lookup with its fallback would. */
const getCredential: GetCredential = async (actor, request) => {
  asked.push([actor, request]);
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
    status: grant.status,
    statusReason: null,
    openTokens: () => ({ accessToken: 'live-at', tokenType: 'Bearer', extra: {} }),
    room: null,
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
  test('probes with the live token and records that it works', async () => {
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
    expect(broker.oauth.calls.at(-1)?.tokens?.accessToken.reveal()).toBe('live-at');
    expect(stored(grant)).toMatchObject({ lastTestAt: broker.time.now, health: 'healthy' });
  });

  test('records a provider that cannot be reached as unhealthy', async () => {
    const grant = await broker.importGrant(acme, 'crm', importedTokens());
    broker.oauth.script.probe = failureOf({ sent: false });
    expect(await run()).toMatchObject({ testResult: 'failed' });
    expect(stored(grant)).toMatchObject({ health: 'unhealthy', status: 'completed' });
  });

  test('where there is nothing to probe with leaves the health as it was', async () => {
    const grant = await broker.importGrant(acme, 'crm', importedTokens());
    expect(await run()).toMatchObject({ testResult: 'skipped' });
    expect(stored(grant)).toMatchObject({ lastTestAt: broker.time.now, health: null });
  });

  test('never touches the shared grant for an organisation', async () => {
    const shared = await broker.importGrant(actorOf(null), 'crm', importedTokens());
    await expect(run()).rejects.toMatchObject({ code: 'connection_not_ready' });
    await expect(run(acme, { subject: 'ada', accountId: null })).rejects.toMatchObject({ code: 'grant_not_found' });
    expect(asked).toEqual([]);
    expect(stored(shared)?.lastTestAt).toBeNull();
  });

  test('works for a caller whose patterns for reading tokens do not cover the connection', async () => {
    await broker.importGrant(acme, 'crm', importedTokens());
    await run({ ...acme, caller: { ...acme.caller, connections: ['other'] } });
    expect(asked[0]?.[0].caller.connections).toBeNull();
  });
});
