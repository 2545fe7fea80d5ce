import { sql } from 'kysely';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/domain/connection.ts';
import type { SweepCursor } from '../../../src/domain/ports/engine.ts';
import { createKysely } from '../../../src/postgres/database.ts';
import { createPool } from '../../../src/postgres/pool.ts';
import { dueGrants } from '../../../src/postgres/sweep-store.ts';
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

const schedule = { intervalMs: 30 * 60_000, windowMs: 240 * 60_000 };

describe('sweep store', () => {
  let stores: TestStores;
  let pool: pg.Pool;
  let connection: Connection;
  let subject = 0;

  beforeAll(async () => {
    stores = await openTestStores();
    pool = createPool({ connectionString: stores.url, poolMax: 1, onError: () => {} });
    connection = await storeConnection(stores, aConnection('acme', 'sweep'));
  });
  afterAll(async () => {
    await pool.end();
    await stores.end();
  });

  const grant = (minutes: number | null, facts: Parameters<typeof tokensUntil>[1] = {}) =>
    storeGrant(stores, 'acme', connection, {
      subject: `s${++subject}`,
      tokens: tokensUntil(minutes === null ? null : minutesFromNow(minutes), facts),
    });
  async function due(limit = 100, now = new Date()): Promise<string[]> {
    const found: string[] = [];
    let after: SweepCursor | null = null;
    do {
      const page = await stores.sweeps.due({ ...schedule, now, after, limit });
      found.push(...page.ids);
      after = page.next;
    } while (after !== null);
    return found;
  }
  async function fail(id: string, failed: 'configuration_rejected' | null, retryAt: Date | null): Promise<void> {
    const leased = await stores.refreshes.acquire(id, 'a', 45_000);
    if (leased === undefined) throw new Error('taken');
    await stores.refreshes.fail(
      leased,
      'a',
      { failed, message: 'No.', retryAt, keepIntent: false },
      anEvent(connection, id),
    );
  }

  test('finds what expires within the window, earliest first, over pages, and nothing else', async () => {
    const inThree = await grant(180);
    const expired = await grant(-10);
    const inOne = await grant(60);
    await grant(300);
    await grant(60, { refreshable: false });
    await grant(null);
    const pausedUntilLater = await grant(50);
    await fail(pausedUntilLater, null, minutesFromNow(5));
    const resumed = await grant(40);
    await fail(resumed, null, minutesFromNow(-1));
    const retried = await grant(30);
    await fail(retried, 'configuration_rejected', minutesFromNow(-30));
    const notYet = await grant(20);
    await fail(notYet, 'configuration_rejected', minutesFromNow(30));
    const dead = await grant(10);
    await fail(dead, 'configuration_rejected', null);

    const expected = [retried, expired, resumed, inOne, inThree];
    expect(await due()).toEqual(expected);
    expect(await due(1)).toEqual(expected);
    expect(await due(2)).toEqual(expected);
  });

  test('leaves alone what was obtained just now and outlives the next sweep', async () => {
    const before = await due();
    await grant(60, { obtainedAt: minutesFromNow(-1) });
    const short = await grant(31, { obtainedAt: minutesFromNow(-1) });
    const unknownAge = await grant(61, { obtainedAt: null });
    expect(new Set(await due())).toEqual(new Set([...before, short, unknownAge]));
  });

  test('reads both halves through their partial indexes', async () => {
    await pool.query(`
      insert into grants (id, connection_id, organization_id, subject, status, sealed_tokens, expires_at, refreshable, retry_at, created_at, updated_at)
      select gen_random_uuid(), '${connection.id}', 'many', 'm' || n, case when n % 10 = 0 then 'failed' else 'completed' end, '\\x00',
        now() + n * interval '1 hour', true, case when n % 10 = 0 then now() + n * interval '1 hour' end, now(), now()
      from generate_series(1, 20000) n`);
    await pool.query('analyze grants');
    const query = dueGrants({
      ...schedule,
      now: new Date(),
      after: { at: minutesFromNow(-5), id: connection.id },
      limit: 500,
    });
    const { rows } = await sql<{ 'QUERY PLAN': string }>`explain ${query}`.execute(createKysely(pool));
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('grants_expiring');
    expect(plan).toContain('grants_retrying');
    expect(plan).not.toContain('Seq Scan on grants');
  });

  test('the last start is kept, none before the first', async () => {
    expect(await stores.sweeps.lastStartedAt()).toBeNull();
    const at = new Date();
    await stores.sweeps.recordStart(minutesFromNow(-30));
    await stores.sweeps.recordStart(at);
    expect(await stores.sweeps.lastStartedAt()).toEqual(at);
  });
});
