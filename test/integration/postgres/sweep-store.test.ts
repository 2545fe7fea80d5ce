import { sql } from 'kysely';
import type pg from 'pg';
import { v7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/domain/connection.ts';
import type { DueGrant, SweepCursor, SweepPart } from '../../../src/domain/ports/upkeep.ts';
import { isDue } from '../../../src/domain/refresh-policy.ts';
import { createKysely } from '../../../src/postgres/database.ts';
import { dueGrants } from '../../../src/postgres/due-grants.ts';
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
  async function dueOf(part: SweepPart, limit = 100, now = new Date()): Promise<DueGrant[]> {
    const found: DueGrant[] = [];
    let after: SweepCursor | null = null;
    do {
      const page: Awaited<ReturnType<typeof stores.sweeps.due>> = await stores.sweeps.due({
        ...schedule,
        part,
        now,
        after,
        limit,
      });
      found.push(...page.grants);
      after = page.next;
    } while (after !== null);
    return found;
  }
  const due = async (part: SweepPart, limit?: number) => (await dueOf(part, limit)).map(({ id }) => id);
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

    const expected = [expired, resumed, inOne, inThree];
    expect(await due('expiring')).toEqual(expected);
    expect(await due('expiring', 1)).toEqual(expected);
    expect(await due('expiring', 2)).toEqual(expected);
    expect(await due('retrying')).toEqual([retried]);
    expect(await due('idle')).toEqual([]);
  });

  test('tells which expire before the next sweep would come to them', async () => {
    const urgent = await grant(33);
    const later = await grant(37);
    const found = await dueOf('expiring');
    expect(found.find(({ id }) => id === urgent)).toEqual({ id: urgent, urgent: true });
    expect(found.find(({ id }) => id === later)).toEqual({ id: later, urgent: false });
  });

  test.each(['configuration_rejected', 'provider_rejected', 'exchange_failed'] as const)(
    'a grant that failed as %s is taken up when its date has come, not before',
    async (reason) => {
      const id = await grant(60);
      await pool.query("update grants set status = 'failed', status_reason = $2, retry_at = $3 where id = $1", [
        id,
        reason,
        minutesFromNow(10),
      ]);
      expect(await due('retrying')).not.toContain(id);
      const found = await dueOf('retrying', 100, minutesFromNow(11));
      expect(found.map((one) => one.id)).toContain(id);
    },
  );

  test('finds refresh tokens that would die of disuse, whatever the access token has left', async () => {
    const neverExpires = await grant(null, { keepAliveAt: minutesFromNow(-2) });
    const farAhead = await grant(60 * 24 * 30, { keepAliveAt: minutesFromNow(-1) });
    await grant(60 * 24 * 30, { keepAliveAt: minutesFromNow(1) });
    await grant(null, { keepAliveAt: minutesFromNow(-1), refreshable: false });
    expect(await due('idle')).toEqual([neverExpires, farAhead]);
  });

  test('finds exactly those that whoever refreshes takes for due', async () => {
    const now = new Date();
    const ids = new Set<string>();
    for (const left of [-10, 0, 12, 29, 31, 34, 36, 200, 239, 241, null]) {
      for (const age of [1, 14, 16, 300, null]) {
        for (const lifetimeSeconds of [600, 1500, 3600, null]) {
          const obtainedAt = age === null ? null : minutesFromNow(-age);
          ids.add(await grant(left, { obtainedAt, lifetimeSeconds }));
        }
      }
    }
    const found = (await dueOf('expiring', 50, now)).map(({ id }) => id).filter((id) => ids.has(id));
    const judged = [];
    for (const id of ids) {
      const stored = await stores.refreshes.find(id);
      if (stored !== undefined && isDue(stored.grant, schedule, now)) judged.push(id);
    }
    expect(judged.length).toBeGreaterThan(50);
    expect(judged.length).toBeLessThan(ids.size - 50);
    expect(found.toSorted()).toEqual(judged.toSorted());
  });

  test('leaves alone what was obtained just now and outlives the next sweep', async () => {
    const before = await due('expiring', 500);
    await grant(60, { obtainedAt: minutesFromNow(-1) });
    const short = await grant(31, { obtainedAt: minutesFromNow(-1) });
    const unknownAge = await grant(61, { obtainedAt: null });
    expect(new Set(await due('expiring', 500))).toEqual(new Set([...before, short, unknownAge]));
  });

  test('reads each part through its own partial index, some hundred rows of many thousand', async () => {
    await pool.query(`
      insert into grants (id, connection_id, organization_id, subject, status, sealed_tokens, expires_at, refreshable, retry_at, keep_alive_at, created_at, updated_at)
      select gen_random_uuid(), '${connection.id}', 'many', 'm' || n, case when n % 10 = 0 then 'failed' else 'completed' end, '\\x00',
        now() + n * interval '1 hour', true, case when n % 10 = 0 then now() + n * interval '1 hour' end, now() + n * interval '1 hour', now(), now()
      from generate_series(1, 20000) n`);
    await pool.query('analyze grants');
    const indexes = { expiring: 'grants_expiring', retrying: 'grants_retrying', idle: 'grants_idle' };
    for (const [part, index] of Object.entries(indexes) as [SweepPart, string][]) {
      const after = { at: minutesFromNow(-5), id: connection.id };
      const query = dueGrants({ ...schedule, part, now: new Date(), after, limit: 500 });
      const { rows } = await sql<{ 'QUERY PLAN': string }>`explain ${query}`.execute(createKysely(pool));
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toContain(index);
      expect(plan).not.toContain('Seq Scan');
    }
  });
});

describe('who sweeps', () => {
  const minute = 60_000;
  let stores: TestStores;
  let pool: pg.Pool;

  beforeEach(async () => {
    stores = await openTestStores();
    pool = createPool({ connectionString: stores.url, poolMax: 1, onError: () => {} });
  });
  afterEach(async () => {
    await pool.end();
    await stores.end();
  });

  const begin = (id = v7()) => stores.sweeps.begin(id, 3 * minute);

  test('of many who begin at once, one may, and no other soon after it finished', async () => {
    expect(await stores.sweeps.last()).toBeNull();
    const ids = Array.from({ length: 12 }, () => v7());
    const answers = await Promise.all(ids.map((id) => begin(id)));
    expect(answers.filter((answer) => answer === 'begun')).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'running')).toHaveLength(11);
    const begun = ids[answers.indexOf('begun')] ?? '';
    await stores.sweeps.finish(begun, { found: 3, enqueued: 3 });
    expect(await begin()).toBe('done');
    await pool.query("update sweeps set started_at = started_at - interval '4 minutes'");
    expect(await begin()).toBe('begun');
  });

  test('one that was given up, or fell silent, is taken over at once', async () => {
    const first = v7();
    await begin(first);
    await stores.sweeps.giveUp(first);
    expect(await stores.sweeps.last()).toMatchObject({ id: first, isRunning: false, finishedAt: null });
    const second = v7();
    expect(await begin(second)).toBe('begun');
    await pool.query("update sweeps set seen_at = seen_at - interval '31 seconds' where id = $1", [second]);
    const third = v7();
    expect(await begin(third)).toBe('begun');
    await stores.sweeps.progress(third, { found: 1, enqueued: 0 });
    expect(await begin()).toBe('running');
  });

  test('what a sweep found and how its refreshes ended is kept, also what ends after it', async () => {
    const id = v7();
    await begin(id);
    await stores.sweeps.progress(id, { found: 500, enqueued: 500 });
    await stores.sweeps.count(id, { refreshed: 3, failed: 1, skipped: 0 });
    await stores.sweeps.finish(id, { found: 700, enqueued: 700 });
    await stores.sweeps.count(id, { refreshed: 4, failed: 0, skipped: 2 });
    expect(await stores.sweeps.last()).toEqual({
      id,
      startedAt: expect.any(Date),
      finishedAt: expect.any(Date),
      isRunning: false,
      found: 700,
      enqueued: 700,
      refreshed: 7,
      failed: 1,
      skipped: 2,
    });
  });

  test('the record of sweeps does not grow for ever', async () => {
    await pool.query(
      "insert into sweeps (id, started_at, finished_at) select gen_random_uuid(), now() - n * interval '1 hour', now() from generate_series(1, 300) n",
    );
    expect(await begin()).toBe('begun');
    const { rows } = await pool.query<{ count: string }>('select count(*) from sweeps');
    expect(Number(rows[0]?.count)).toBeLessThan(110);
  });
});
