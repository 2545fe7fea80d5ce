import { sql } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Connection } from '../../../src/domain/connection.ts';
import type { TokenFacts } from '../../../src/domain/grant.ts';
import { createKysely } from '../../../src/postgres/database.ts';
import { dyingGrants } from '../../../src/postgres/forecast-store.ts';
import { createPool } from '../../../src/postgres/pool.ts';
import {
  aConnection,
  anEvent,
  minutesFromNow,
  openTestStores,
  storeConnection,
  storeGrant,
  type TestStores,
  tokensUntil,
} from '../../support/postgres-fixtures.ts';

const dayMinutes = 1440;
const withinMs = 7 * dayMinutes * 60_000;
const days = (count: number) => minutesFromNow(count * dayMinutes);

let stores: TestStores;
let pool: pg.Pool;
let connection: Connection;
let subject = 0;
beforeAll(async () => {
  stores = await openTestStores();
  pool = createPool({ connectionString: stores.url, poolMax: 1, onError: () => {} });
  connection = await storeConnection(stores, aConnection('acme', 'crm'));
});
afterAll(async () => {
  await pool.end();
  await stores.end();
});

const facts = (over: Partial<TokenFacts>) => tokensUntil(minutesFromNow(60), { obtainedAt: days(-30), ...over });
const grant = (over: Partial<TokenFacts>) =>
  storeGrant(stores, 'acme', connection, { subject: `s${++subject}`, tokens: facts(over) });
const forecast = (limit = 100) =>
  stores.forecasts.warn({ now: new Date(), withinMs, limit }, ({ grantId, refreshExpiresAt }) => ({
    ...anEvent(connection, grantId),
    action: 'grant.expiring',
    details: { refresh_expires_at: refreshExpiresAt.toISOString() },
  }));
const warned = async () => (await forecast()).map(({ grantId }) => grantId);

async function refresh(id: string, over: Partial<TokenFacts>): Promise<void> {
  const version = (await stores.refreshes.find(id))?.grant.version ?? 0;
  const base = { id, connectionId: connection.id, organizationId: 'acme', version };
  expect(await stores.refreshes.save(base, 'a', facts(over), anEvent(connection, id))).toBe(true);
}

async function failOnce(id: string): Promise<void> {
  const leased = await stores.refreshes.acquire(id, 'a', 45_000);
  if (leased === undefined) throw new Error('taken');
  const failure = { failed: null, message: 'No.', retryAt: days(1), keepIntent: false };
  await stores.refreshes.fail(leased, 'a', failure, anEvent(connection, id));
}

test('a death within a week is told once, with its event, and one further off not yet', async () => {
  const refreshExpiresAt = days(6);
  const dying = await grant({ refreshExpiresAt });
  await grant({ refreshExpiresAt: days(8) });
  await grant({ refreshExpiresAt: null });
  expect(await forecast()).toEqual([
    { grantId: dying, organizationId: 'acme', connectionId: connection.id, connectionName: 'crm', refreshExpiresAt },
  ]);
  expect(await warned()).toEqual([]);
  const { rows } = await pool.query("select grant_id, details from audit_events where action = 'grant.expiring'");
  expect(rows).toEqual([{ grant_id: dying, details: { refresh_expires_at: refreshExpiresAt.toISOString() } }]);
});

test('processes that forecast at once tell each death once', async () => {
  const dying = await Promise.all(Array.from({ length: 30 }, () => grant({ refreshExpiresAt: days(5) })));
  const told = (await Promise.all(Array.from({ length: 6 }, () => forecast(10)))).flat().map(({ grantId }) => grantId);
  for (let more = await warned(); more.length > 0; more = await warned()) told.push(...more);
  expect(told.toSorted()).toEqual(dying.toSorted());
});

test('a token that refreshes do not prolong is told once, though its date wavers', async () => {
  const id = await grant({ refreshExpiresAt: days(6.5), obtainedAt: minutesFromNow(-120) });
  // Never refreshed, and not older than the time of warning: the first refresh will show.
  expect(await warned()).toEqual([]);
  await refresh(id, { refreshExpiresAt: new Date(days(6.5).getTime() + 900), obtainedAt: new Date() });
  expect(await warned()).toEqual([id]);
  await refresh(id, { refreshExpiresAt: new Date(days(6.5).getTime() - 800), obtainedAt: new Date() });
  await refresh(id, { refreshExpiresAt: new Date(days(6.5).getTime() + 700), obtainedAt: new Date() });
  expect(await warned()).toEqual([]);
});

test('a token that each refresh prolongs is told only when refreshing fails', async () => {
  const id = await grant({ refreshExpiresAt: days(0.1), obtainedAt: minutesFromNow(-60) });
  await refresh(id, { refreshExpiresAt: days(1), obtainedAt: new Date() });
  expect(await warned()).toEqual([]);
  await failOnce(id);
  expect(await warned()).toEqual([id]);
  expect(await warned()).toEqual([]);
});

test('a new consent makes its own token, to be told of anew', async () => {
  const id = await grant({ refreshExpiresAt: days(3) });
  expect(await warned()).toEqual([id]);
  await stores.database.write('acme', ({ grants }) =>
    grants.replace(id, {
      slot: { connectionId: connection.id, subject: `s${subject}`, accountId: null },
      multiAccount: false,
      accountName: null,
      tokens: facts({ refreshExpiresAt: days(4), obtainedAt: days(-20) }),
      requestedScopes: [],
      testedAt: null,
      now: new Date(),
    }),
  );
  expect(await warned()).toEqual([id]);
});

test('reads through its own partial index', async () => {
  await pool.query(`
    insert into grants (id, connection_id, organization_id, subject, status, sealed_tokens, expires_at, refresh_expires_at, refreshable, created_at, updated_at)
    select gen_random_uuid(), '${connection.id}', 'many', 'm' || n, 'completed', '\\x00', now() + interval '1 hour',
      now() + n * interval '1 hour', true, now(), now()
    from generate_series(1, 20000) n`);
  await pool.query('analyze grants');
  const query = dyingGrants({ now: new Date(), withinMs, limit: 100 });
  const { rows } = await sql<{ 'QUERY PLAN': string }>`explain ${query}`.execute(createKysely(pool));
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toContain('grants_dying');
  expect(plan).not.toContain('Seq Scan');
});
