import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import type { LeasedGrant } from '../../../src/domain/ports/engine.ts';
import { sweepParts } from '../../../src/domain/ports/maintenance/sweeps.ts';
import type { Postgres } from '../../../src/postgres/postgres.ts';
import { aConnection } from '../../support/builders/connection.ts';
import { anArrival, minutesFromNow, tokensUntil } from '../../support/builders/grant.ts';
import { anEvent } from '../../support/builders/refreshed.ts';
import { storeConnection, storeGrant } from '../../support/builders/stored.ts';
import { authorize, readAuthorizations, writeAuthorizations } from './authorization-operations.ts';
import { readConnections, writeConnections } from './connection-operations.ts';
import { fetchCredentials, readGrants, writeGrants } from './grant-operations.ts';
import { checkHealth } from './health-operations.ts';
import { rotateKeys } from './key-operations.ts';
import { record } from './record-operations.ts';
import { revokeAtProvider } from './revocation-operations.ts';
import { useSessions } from './session-operations.ts';
import { readWorkflows, writeWorkflows } from './workflow-operations.ts';

const leaseMs = 45_000;
const longAgo = new Date(0);
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
  await useSessions(postgres, connection, called);
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
    await fleet.findGrant(grants[0]?.grant.id ?? v7(), reach);
  }
  await fleet.listConnections({ reach, status: 'completed' }, page);
  await fleet.findConnection(id, reach);
  await fleet.countGrantsOf(id, reach);
  await fleet.readStats(reach, { dueMs: 1, expiryWarningMs: 1 });
  await fleet.readNeeds(reach);
  for (const organizations of ['*', ['acme']] as const) {
    await fleet.readForecast({ organizations, global: true }, { now: new Date(), windowMs: 1 });
  }
  await fleet.fold();
}

async function write(postgres: Postgres, connection: Connection, called: Map<string, boolean>): Promise<void> {
  await postgres.database.write('acme', async (stores) => {
    await writeConnections(record('connections', stores.connections, called), connection);
    await writeGrants(record('grants', stores.grants, called), connection);
    await writeAuthorizations(record('authorization writer', stores.authorizations, called), connection);
    await writeWorkflows(record('workflow writer', stores.workflows, called), connection);
    await record('audit', stores.audit, called).append(anEvent(connection, v7()));
    await stores.grants.insert(v7(), anArrival(connection));
  });
}

async function read(postgres: Postgres, connection: Connection, called: Map<string, boolean>): Promise<void> {
  const stores = postgres.database.read('acme');
  await readConnections(record('connections', stores.connections, called), connection);
  await readGrants(record('grants', stores.grants, called), connection);
  await readWorkflows(record('workflows', stores.workflows, called), connection);
  await postgres.workflowStates.find('acme', 'w');
  const fetched = { connectionId: connection.id, organizationId: 'acme', workflow: { id: 'w', name: null } };
  await postgres.workflowRegistrations.registerAll([{ ...fetched, at: new Date() }]);
  await readAuthorizations(record('authorization reader', stores.authorizations, called));
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
