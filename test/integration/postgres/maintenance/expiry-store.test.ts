import { sql } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Connection } from '../../../../src/domain/connections/connection.ts';
import type { TokenMetadata } from '../../../../src/domain/grants/grant.ts';
import { createKysely } from '../../../../src/postgres/database.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import { expiringGrants } from '../../../../src/postgres/maintenance/expiry-store.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { minutesFromNow, tokensUntil } from '../../../support/builders/grant.ts';
import { anEvent } from '../../../support/builders/refreshed.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

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

const metadata = (over: Partial<TokenMetadata>) => tokensUntil(minutesFromNow(60), { obtainedAt: days(-30), ...over });
const grant = (over: Partial<TokenMetadata>) =>
  storeGrant(stores, 'acme', connection, { subject: `s${++subject}`, tokens: metadata(over) });
const warnOnce = (limit = 100) =>
  stores.expiries.warn({ now: new Date(), withinMs, limit }, ({ grantId, refreshExpiresAt }) => ({
    ...anEvent(connection, grantId),
    action: 'grant.expiring',
    details: { refresh_expires_at: refreshExpiresAt.toISOString() },
  }));
const warned = async () => (await warnOnce()).map(({ grantId }) => grantId);

async function refresh(id: string, over: Partial<TokenMetadata>): Promise<void> {
  const version = (await stores.refreshes.find(id))?.grant.version ?? 0;
  const base = { id, connectionId: connection.id, organizationId: 'acme', version };
  expect(await stores.refreshes.save(base, 'a', metadata(over), anEvent(connection, id))).toBe(true);
}

async function failOnce(id: string): Promise<void> {
  const leased = await stores.refreshes.acquire(id, 'a', 45_000);
  if (leased === undefined) throw new Error('the lease is taken');
  const failure = { failed: null, message: 'No.', retryAt: days(1), keepIntent: false };
  await stores.refreshes.fail(leased, 'a', failure, anEvent(connection, id));
}

test('an expiry within the warning time causes one warning with its audit event, and a later expiry none', async () => {
  const refreshExpiresAt = days(6);
  const expiring = await grant({ refreshExpiresAt });
  await grant({ refreshExpiresAt: days(8) });
  await grant({ refreshExpiresAt: null });
  expect(await warnOnce()).toEqual([
    { grantId: expiring, organizationId: 'acme', connectionId: connection.id, connectionName: 'crm', refreshExpiresAt },
  ]);
  expect(await warned()).toEqual([]);
  const { rows } = await pool.query("select grant_id, details from audit_events where action = 'grant.expiring'");
  expect(rows).toEqual([{ grant_id: expiring, details: { refresh_expires_at: refreshExpiresAt.toISOString() } }]);
});

test('concurrent processes warn of each expiring refresh token once', async () => {
  const expiring = await Promise.all(Array.from({ length: 30 }, () => grant({ refreshExpiresAt: days(5) })));
  const warnings = (await Promise.all(Array.from({ length: 6 }, () => warnOnce(10))))
    .flat()
    .map(({ grantId }) => grantId);
  for (let more = await warned(); more.length > 0; more = await warned()) warnings.push(...more);
  expect(warnings.toSorted()).toEqual(expiring.toSorted());
});

test('a refresh token that refreshes do not extend causes one warning, although its expiry wavers by seconds', async () => {
  const id = await grant({ refreshExpiresAt: days(6.5), obtainedAt: minutesFromNow(-120) });
  // No refresh has shown yet whether the expiry moves, and the lifetime is shorter than the warning time.
  expect(await warned()).toEqual([]);
  await refresh(id, { refreshExpiresAt: new Date(days(6.5).getTime() + 900), obtainedAt: new Date() });
  expect(await warned()).toEqual([id]);
  await refresh(id, { refreshExpiresAt: new Date(days(6.5).getTime() - 800), obtainedAt: new Date() });
  await refresh(id, { refreshExpiresAt: new Date(days(6.5).getTime() + 700), obtainedAt: new Date() });
  expect(await warned()).toEqual([]);
});

test('a refresh token that each refresh extends causes a warning only after a refresh fails', async () => {
  const id = await grant({ refreshExpiresAt: days(0.1), obtainedAt: minutesFromNow(-60) });
  await refresh(id, { refreshExpiresAt: days(1), obtainedAt: new Date() });
  expect(await warned()).toEqual([]);
  await failOnce(id);
  expect(await warned()).toEqual([id]);
  expect(await warned()).toEqual([]);
});

test('a new authorization causes a warning of its own, although the earlier token was warned of', async () => {
  const id = await grant({ refreshExpiresAt: days(3) });
  expect(await warned()).toEqual([id]);
  await stores.database.write('acme', ({ grants }) =>
    grants.replace(id, {
      slot: { connectionId: connection.id, subject: `s${subject}`, accountId: null },
      multiAccount: false,
      accountName: null,
      accountVerified: false,
      tokens: metadata({ refreshExpiresAt: days(4), obtainedAt: days(-20) }),
      requestedScopes: [],
      origins: { testUrl: null, revocationUrl: null },
      testedAt: null,
      now: new Date(),
    }),
  );
  expect(await warned()).toEqual([id]);
});

test('the selection of expiring grants uses its partial index', async () => {
  await pool.query(`
    insert into grants (id, connection_id, organization_id, subject, status, sealed_tokens, expires_at, refresh_expires_at, refreshable, created_at, updated_at)
    select gen_random_uuid(), '${connection.id}', 'many', 'm' || n, 'completed', '\\x00', now() + interval '1 hour',
      now() + n * interval '1 hour', true, now(), now()
    from generate_series(1, 20000) n`);
  await pool.query('analyze grants');
  const query = expiringGrants({ now: new Date(), withinMs, limit: 100 });
  const { rows } = await sql<{ 'QUERY PLAN': string }>`explain ${query}`.execute(createKysely(pool));
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toContain('grants_dying');
  expect(plan).not.toContain('Seq Scan');
});
