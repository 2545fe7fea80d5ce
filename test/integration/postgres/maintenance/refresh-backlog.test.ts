import { sql } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Connection } from '../../../../src/domain/connections/connection.ts';
import { createKysely } from '../../../../src/postgres/database.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import { countDue, createReadBacklog, oldestExpiry } from '../../../../src/postgres/maintenance/refresh-backlog.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { minutesFromNow, tokensUntil } from '../../../support/builders/grant.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const schedule = { intervalMs: 30 * 60_000, windowMs: 240 * 60_000 };
let stores: TestStores;
let pool: pg.Pool;
let connection: Connection;

beforeAll(async () => {
  stores = await openTestStores();
  pool = createPool({ connectionString: stores.url, poolMax: 1, statementTimeoutMs: 120_000, onError: () => {} });
  connection = await storeConnection(stores, aConnection('acme', 'backlog'));
});
afterAll(async () => {
  await pool.end();
  await stores.end();
});

const read = (now = new Date()) => createReadBacklog({ db: createKysely(pool) })(now, schedule);
const grant = (subject: string, minutes: number | null, metadata = {}) =>
  storeGrant(stores, 'acme', connection, {
    subject,
    tokens: tokensUntil(minutes === null ? null : minutesFromNow(minutes), metadata),
  });

test('without grants nothing is due and nothing is overdue', async () => {
  expect(await read()).toEqual({ due: 0, overdueSeconds: 0 });
});

test('grants in the window are due; the oldest expiry of a grant that can be refreshed counts as overdue', async () => {
  await grant('far', 10_000);
  expect(await read()).toEqual({ due: 0, overdueSeconds: 0 });
  await grant('soon', 60, { obtainedAt: minutesFromNow(-600) });
  expect(await read()).toEqual({ due: 1, overdueSeconds: 0 });
  await grant('over', -30);
  await grant('longer', -90);
  await grant('never', -900, { refreshable: false });
  const { due, overdueSeconds } = await read();
  expect(due).toBe(3);
  expect(overdueSeconds / 60).toBeCloseTo(90, 0);
});

test('no statement reads the table, and the count stops at ten thousand', async () => {
  await pool.query(`
    insert into grants (id, connection_id, organization_id, subject, status, sealed_tokens, expires_at, refreshable, obtained_at, created_at, updated_at)
    select gen_random_uuid(), '${connection.id}', 'many', 'm' || n, 'completed', '\\x00',
      now() + (n - 12000) * interval '1 hour', true, now() - interval '10 days', now(), now()
    from generate_series(1, 30000) n`);
  await pool.query('analyze grants');
  expect(await read()).toMatchObject({ due: 10_000 });
  for (const statement of [countDue(new Date(), schedule), oldestExpiry]) {
    const { rows } = await sql<{ 'QUERY PLAN': string }>`explain ${statement}`.execute(createKysely(pool));
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).not.toContain('Seq Scan');
    expect(plan).toContain('grants_expiring');
  }
});
