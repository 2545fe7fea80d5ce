import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import type { LeasedGrant } from '../../../src/domain/ports/engine.ts';
import { sweepParts } from '../../../src/domain/ports/maintenance/sweeps.ts';
import type { Stores, TransactionStores } from '../../../src/domain/ports/stores.ts';
import type { PageRequest } from '../../../src/domain/ports/workflows.ts';
import type { Postgres } from '../../../src/postgres/postgres.ts';
import { anAuthorization } from '../../support/builders/authorization.ts';
import { aConnection } from '../../support/builders/connection.ts';
import { anArrival, minutesFromNow, tokensUntil } from '../../support/builders/grant.ts';
import { anEvent } from '../../support/builders/refreshed.ts';
import { storeConnection, storeGrant } from '../../support/builders/stored.ts';
import { checkHealth } from './health-operations.ts';
import { rotateKeys } from './key-operations.ts';
import { record } from './record-operations.ts';
import { revokeAtProvider } from './revocation-operations.ts';
import { waitAndEnd } from './waiting-operations.ts';

const leaseMs = 45_000;
const longAgo = new Date(0);
const everything = { includeGlobal: true, limit: 10 };
const reach = { organizations: '*', global: true } as const;

/** Runs every operation of every store at least once, on rows of its own. Returns the names of operations it missed. */
export async function runEveryOperation(postgres: Postgres): Promise<string[]> {
  const called = new Map<string, boolean>();
  const connection = await storeConnection(postgres, aConnection('acme', `every-${v7()}`));
  await write(postgres, connection, called);
  await read(postgres, connection, called);
  await fetchCredentials(postgres, connection);
  await refresh(postgres, connection, called);
  await maintain(postgres, connection, called);
  await authorize(postgres, connection, called);
  await useKeys(postgres, connection, called);
  await audit(postgres, connection, called);
  await readFleet(record('fleet', postgres.fleet, called), connection);
  await revokeAtProvider(postgres, connection, called);
  return [...called].filter(([, wasCalled]) => !wasCalled).map(([name]) => name);
}

async function audit(postgres: Postgres, connection: Connection, called: Map<string, boolean>): Promise<void> {
  const { id, name } = connection;
  const grantId = v7();
  const consent = {
    id: v7(),
    grantId,
    connectionId: id,
    connectionName: name,
    how: 'import',
    actor: 'bootstrap',
  } as const;
  const rest = { subject: null, accountId: null, accountName: null, scopes: ['read'], address: null, at: new Date() };
  const ending = { by: 'deleted', actor: 'bootstrap', at: new Date() } as const;
  await postgres.database.write('acme', async (stores) => {
    const consents = record('consent writer', stores.consents, called);
    await consents.begin({ ...consent, ...rest });
    await consents.end(grantId, ending);
    await consents.endAllOf(id, ending);
  });
  await record('consents', postgres.consents, called).listOfGrant(grantId);
  const events = record('audit', postgres.audit, called);
  await events.appendAll([anEvent(connection, grantId)]);
  const filter = { reach: { organizations: ['acme', 'other'], global: true }, outcome: 'success' } as const;
  await events.list(filter, { limit: 10 });
  for await (const _piece of events.export(filter)) break;
  await record('audit partitions', postgres.auditPartitions, called).maintain(longAgo);
}

async function readFleet(fleet: Postgres['fleet'], { id }: Connection): Promise<void> {
  const soon = minutesFromNow(60);
  const page = { limit: 1 };
  for (const dates of [{}, { expiresBefore: soon }, { refreshExpiresBefore: soon, organizationId: 'acme' }]) {
    const { grants, nextCursor } = await fleet.listGrants({ reach, ...dates }, page);
    if (nextCursor !== null) await fleet.listGrants({ reach, ...dates }, { ...page, cursor: nextCursor });
    await fleet.findGrant(grants[0]?.grant.id ?? v7());
  }
  await fleet.listConnections({ reach, status: 'completed' }, page);
  await fleet.findConnection(id);
  await fleet.countGrantsOf(id, reach);
  await fleet.readStats(reach, { dueMs: 1, expiryWarningMs: 1 });
  await fleet.fold();
}

async function write(postgres: Postgres, connection: Connection, called: Map<string, boolean>): Promise<void> {
  const { id, name } = connection;
  const arrival = anArrival(connection);
  const other = aConnection('acme', `other-${v7()}`);
  const authorization = anAuthorization(connection);
  await postgres.database.write('acme', async (stores) => {
    const connections = record('connections', stores.connections, called);
    await connections.insert(other);
    await connections.queueApplication();
    await connections.lockOwn(name);
    await connections.lockForUse(id);
    await connections.update({ ...connection, revision: 2 });
    await connections.delete(other.id);
    await writeGrants(record('grants', stores.grants, called), connection);
    const authorizations = record('authorization writer', stores.authorizations, called);
    await authorizations.insert(authorization);
    await authorizations.find(authorization.stateHash);
    await authorizations.settle(authorization.stateHash, {
      status: 'failed',
      reason: null,
      message: null,
      error: null,
      errorDescription: null,
      account: null,
      details: null,
    });
    await waitAndEnd(authorizations, connection);
    await authorizations.countPendingOf(id, new Date());
    await authorizations.cancelPending(id, undefined, new Date());
    await authorizations.voidAllOf(id, new Date());
    await writeWorkflows(record('workflow writer', stores.workflows, called), connection);
    await record('audit', stores.audit, called).append(anEvent(connection, v7()));
    await stores.grants.insert(v7(), arrival);
  });
}

async function writeGrants(grants: TransactionStores['grants'], connection: Connection): Promise<void> {
  const { id: connectionId } = connection;
  const slot = { connectionId, subject: 'ann', accountId: null };
  const arrival = anArrival(connection, { subject: 'ann' });
  const now = new Date();
  const id = v7();
  await grants.insert(id, arrival);
  await grants.lockSlot(slot);
  await grants.lockMatching(connectionId, 'ann', null);
  await grants.replace(id, arrival);
  await grants.recordTest(id, { at: now, health: 'healthy', error: null });
  await grants.listAllOf(connectionId);
  await grants.maxAccountsPerSubject(connectionId);
  await grants.setMultiAccount(connectionId, false);
  await grants.putFailed(id, slot, {
    reason: 'client_rejected',
    message: 'No.',
    retryAt: null,
    origins: { testUrl: null, revocationUrl: null },
    now,
  });
  await grants.liftClientRejection(connectionId, now);
  await grants.countWorkingOf(connectionId);
  await grants.dropAllOf(connectionId, now);
  await grants.revoke(id, { by: 'bootstrap', reason: null, now });
  await grants.delete(id);
}

async function writeWorkflows(workflows: TransactionStores['workflows'], connection: Connection): Promise<void> {
  const at = new Date();
  const id = v7();
  await workflows.register(connection, { id, name: 'Invoices' }, at);
  await workflows.disable(id, { reason: 'No.', by: 'bootstrap', at });
  await workflows.enable(id, { by: 'bootstrap', at });
  const eventOf = () => anEvent(connection, v7());
  await workflows.disableDependents(connection.id, { reason: 'No.', by: 'bootstrap', at, eventOf });
  await readWorkflows(workflows, connection);
}

async function readWorkflows(workflows: Stores['workflows'], { id }: Connection): Promise<void> {
  const walks = [
    (page: PageRequest) => workflows.listDependencies('w', page),
    (page: PageRequest) => workflows.listOwnDependents(id, page),
    (page: PageRequest) => workflows.listDisabled(page),
  ];
  for (const list of walks) await list({ limit: 1 });
  await workflows.listDependents(id);
  await workflows.countEnabledDependents(id);
  await workflows.find('w');
}

async function read(postgres: Postgres, connection: Connection, called: Map<string, boolean>): Promise<void> {
  const stores = postgres.database.read('acme');
  const connections = record('connections', stores.connections, called);
  await connections.find(connection.name);
  await connections.findOwn(connection.name);
  await connections.list(everything);
  const grants = record('grants', stores.grants, called);
  await grants.list(connection.id, { limit: 1 });
  await grants.find(connection.id, connection.id);
  await grants.findMatching({ connectionId: connection.id, subject: null, accountId: null }, 2);
  await grants.findSlot({ connectionId: connection.id, subject: null, accountId: null });
  await readWorkflows(record('workflows', stores.workflows, called), connection);
  await postgres.workflowStates.find('acme', 'w');
  const fetched = { connectionId: connection.id, organizationId: 'acme', workflow: { id: 'w', name: null } };
  await postgres.workflowRegistrations.registerAll([{ ...fetched, at: new Date() }]);
  const authorizations = record('authorization reader', stores.authorizations, called);
  await authorizations.find('unknown');
  await authorizations.findBound(v7());
}

/** One call for each prepared statement of the lookup. */
async function fetchCredentials({ credentials }: Postgres, { name: connectionName }: Connection): Promise<void> {
  for (const organizationId of ['acme', null]) {
    for (const subject of ['ann', null]) {
      for (const accountId of ['account', null]) {
        await credentials.findStored({ organizationId, connectionName, subject, accountId });
      }
    }
  }
}

async function refresh(postgres: Postgres, connection: Connection, called: Map<string, boolean>): Promise<void> {
  const refreshes = record('refreshes', postgres.refreshes, called);
  const id = await storeGrant(postgres, 'acme', connection, { subject: 'bob' });
  const event = anEvent(connection, id);
  const acquire = async (): Promise<LeasedGrant> => {
    const leased = await refreshes.acquire(id, 'a', leaseMs);
    if (leased === undefined) throw new Error('the lease was not free');
    // An acquire of a taken lease runs both statements: the one that skips locked rows and the one that waits.
    if ((await refreshes.acquire(id, 'b', leaseMs)) !== undefined) throw new Error('two processes hold the lease');
    return leased;
  };
  await refreshes.reportToken({ id, version: 1 });
  const leased = await acquire();
  await refreshes.keepLease(leased.grant, 'a', leaseMs);
  await refreshes.countOnDemand(id, { most: 10, withinMs: 60_000 });
  await refreshes.release(leased, 'a');
  await refreshes.save((await acquire()).grant, 'a', tokensUntil(minutesFromNow(60)), event);
  // A save of an outdated version runs both statements, too.
  await refreshes.save(leased.grant, 'a', tokensUntil(minutesFromNow(60)), event);
  const failure = { failed: null, message: 'No.', retryAt: null, keepIntent: false };
  await refreshes.fail(await acquire(), 'a', failure, { ...event, outcome: 'failure' });
  await acquire();
  await refreshes.voidLeases('a');
  await refreshes.find(id);
  const rule = { refusals: 1, grants: 1, firstMs: 1, maxMs: 1 };
  await refreshes.countClientRefusal({ id, connectionId: connection.id }, rule);
  await refreshes.takeClientProbe(connection.id, 1);
  await refreshes.liftClientPause(connection.id);
}

async function maintain(postgres: Postgres, connection: Connection, called: Map<string, boolean>): Promise<void> {
  const refreshExpiresAt = minutesFromNow(60);
  const grantId = await storeGrant(postgres, 'acme', connection, {
    subject: 'eve',
    tokens: tokensUntil(minutesFromNow(60), { refreshExpiresAt, obtainedAt: minutesFromNow(-600) }),
  });
  const sweeps = record('sweeps', postgres.sweeps, called);
  const due = { now: minutesFromNow(120), intervalMs: 1, windowMs: 1, after: null, limit: 10 };
  const id = v7();
  await sweeps.begin(id, 0);
  for (const part of sweepParts) await sweeps.collect(id, { ...due, part });
  const [dueLane] = await sweeps.lanes(id);
  if (dueLane === undefined) throw new Error('no grant was due');
  await sweeps.due(id, dueLane, { after: null, limit: 10 });
  await sweeps.progress(id, { found: 1, enqueued: 1 });
  await sweeps.count(id, { refreshed: 1, failed: 0, skipped: 0 });
  await sweeps.giveUp(id);
  await sweeps.finish(id, { found: 1, enqueued: 1 });
  await sweeps.last();
  await sweeps.list(1);
  await checkHealth(postgres, { connection, grantId }, called);
  const warned = await record('expiries', postgres.expiries, called).warn(
    { now: new Date(), withinMs: 2 * 3_600_000, limit: 10 },
    () => anEvent(connection, grantId),
  );
  if (warned.length === 0) throw new Error('no grant was warned of');
}

async function authorize(postgres: Postgres, connection: Connection, called: Map<string, boolean>): Promise<void> {
  const authorization = anAuthorization(connection);
  await postgres.database.write('acme', (stores) => stores.authorizations.insert(authorization));
  const authorizations = record('authorizations', postgres.authorizations, called);
  await authorizations.find(authorization.stateHash);
  await authorizations.bind(authorization.stateHash, 'browser', new Date());
  const consumed = await authorizations.consume(
    authorization.stateHash,
    { browserHash: 'browser', callbackHash: 'c' },
    new Date(),
  );
  if (consumed === undefined) throw new Error('the authorization was not there to consume');
  await authorizations.findDeleted(authorization.stateHash);
  await authorizations.listOverdue(new Date(), 1);
  await authorizations.purge(longAgo);
}

async function useKeys(postgres: Postgres, connection: Connection, called: Map<string, boolean>): Promise<void> {
  const now = new Date();
  const apiKeys = record('apiKeys', postgres.apiKeys, called);
  const id = v7();
  const key = { id, name: 'key', secretHash: randomBytes(32), permissions: [], global: true, connections: null };
  const dates = { createdAt: now, expiresAt: null, rateLimitPerMinute: null, lastUsedAt: null, revokedAt: null };
  const event = anEvent(connection, v7());
  await apiKeys.insert({ ...key, ...dates, organizations: '*', createdBy: 'bootstrap' }, event);
  const child = { ...key, ...dates, id: v7(), organizations: '*' as const, createdBy: `api_key:${id}` };
  await apiKeys.insert(child, event);
  if ((await apiKeys.find(id)) === undefined) throw new Error('the API key was not found');
  await apiKeys.list(reach);
  await apiKeys.touch([id], now);
  await apiKeys.revoke(id, { reach, cascade: true, now, eventOf: () => event });
  const dataKeys = record('dataKeys', postgres.dataKeys, called);
  const wrapped = { keyEncryptionKeyId: 'a', wrapped: randomBytes(8), canary: randomBytes(8) };
  await dataKeys.insertFirst({ ...wrapped, id: v7(), state: 'sealing', createdAt: now });
  await dataKeys.hasSealedData();
  const [dataKey] = await dataKeys.list();
  await dataKeys.addSeals(dataKey?.id ?? '', 3);
  await rotateKeys(postgres, connection, called);
}
