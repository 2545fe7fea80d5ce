import { sql } from 'kysely';
import type pg from 'pg';
import { v7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../../../src/domain/connections/connection.ts';
import { isDue } from '../../../../src/domain/grants/refresh-policy.ts';
import type { SweepCursor } from '../../../../src/domain/ports/maintenance/lanes.ts';
import { type SweepPart, sweepParts } from '../../../../src/domain/ports/maintenance/sweeps.ts';
import { createKysely } from '../../../../src/postgres/database.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import { dueGrants } from '../../../../src/postgres/maintenance/due-grants.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { anArrival, minutesFromNow, tokensUntil } from '../../../support/builders/grant.ts';
import { anEvent } from '../../../support/builders/refreshed.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

interface DueGrant {
  id: string;
  urgent: boolean;
}

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

  const grant = (minutes: number | null, metadata: Parameters<typeof tokensUntil>[1] = {}) =>
    storeGrant(stores, 'acme', connection, {
      subject: `s${++subject}`,
      tokens: tokensUntil(minutes === null ? null : minutesFromNow(minutes), metadata),
    });
  /** Reads all pages of a part in the order in which the sweep lists them. */
  async function dueOf(part: SweepPart, limit = 100, now = new Date()): Promise<DueGrant[]> {
    const sweepId = v7();
    const query = { ...schedule, part, now, limit };
    let after: SweepCursor | null = null;
    do {
      after = (await stores.sweeps.collect(sweepId, { ...query, after })).next;
    } while (after !== null);
    const { rows } = await pool.query<DueGrant>(
      'select grant_id as id, urgent from sweep_grants where sweep_id = $1 order by position',
      [sweepId],
    );
    return rows;
  }
  const due = async (part: SweepPart, limit?: number) => (await dueOf(part, limit)).map(({ id }) => id);
  async function fail(id: string, failed: 'configuration_rejected' | null, retryAt: Date | null): Promise<void> {
    const leased = await stores.refreshes.acquire(id, 'a', 45_000);
    if (leased === undefined) throw new Error('the lease is taken');
    await stores.refreshes.fail(
      leased,
      'a',
      { failed, message: 'No.', retryAt, keepIntent: false },
      anEvent(connection, id),
    );
  }

  test('a sweep finds the grants that expire within its window, earliest first, over all pages', async () => {
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
    const failedForGood = await grant(10);
    await fail(failedForGood, 'configuration_rejected', null);

    const expected = [expired, resumed, inOne, inThree];
    expect(await due('expiring')).toEqual(expected);
    expect(await due('expiring', 1)).toEqual(expected);
    expect(await due('expiring', 2)).toEqual(expected);
    expect(await due('retrying')).toEqual([retried]);
    expect(await due('idle')).toEqual([]);
  });

  test('a sweep marks grants that expire before the next sweep as urgent', async () => {
    const urgent = await grant(33);
    const later = await grant(37);
    const found = await dueOf('expiring');
    expect(found.find(({ id }) => id === urgent)).toEqual({ id: urgent, urgent: true });
    expect(found.find(({ id }) => id === later)).toEqual({ id: later, urgent: false });
  });

  test.each(['configuration_rejected', 'provider_rejected', 'exchange_failed'] as const)(
    'a sweep finds a grant that failed with %s from its retry_at on',
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

  test('a sweep finds refresh tokens near their expiry from disuse, whatever the lifetime of the access token', async () => {
    const neverExpires = await grant(null, { keepAliveAt: minutesFromNow(-2) });
    const farAhead = await grant(60 * 24 * 30, { keepAliveAt: minutesFromNow(-1) });
    await grant(60 * 24 * 30, { keepAliveAt: minutesFromNow(1) });
    await grant(null, { keepAliveAt: minutesFromNow(-1), refreshable: false });
    expect(await due('idle')).toEqual([neverExpires, farAhead]);
  });

  test('a sweep finds refresh tokens that expire within its window, whatever the lifetime of the access token', async () => {
    const day = 24 * 60;
    const inThree = await grant(day, { refreshExpiresAt: minutesFromNow(180) });
    const urgent = await grant(null, { refreshExpiresAt: minutesFromNow(30) });
    await grant(day, { refreshExpiresAt: minutesFromNow(300) });
    await grant(day, { refreshExpiresAt: minutesFromNow(-1) });
    await grant(day, { refreshExpiresAt: minutesFromNow(30), refreshable: false });
    await grant(10, { refreshExpiresAt: minutesFromNow(30) });
    await grant(day, { refreshExpiresAt: minutesFromNow(60), obtainedAt: minutesFromNow(-1) });
    const paused = await grant(day, { refreshExpiresAt: minutesFromNow(60) });
    await fail(paused, null, minutesFromNow(5));
    expect(await dueOf('ending')).toEqual([
      { id: urgent, urgent: true },
      { id: inThree, urgent: false },
    ]);
  });

  test('a sweep refreshes a token without expiry once, although the provider never states a lifetime', async () => {
    const authorized = await grant(null);
    const imported = await grant(null, { obtainedAt: null });
    await grant(null, { refreshable: false });
    const before = await due('untried');
    expect(before).toEqual(expect.arrayContaining([authorized, imported]));
    for (const id of [authorized, imported]) {
      const leased = await stores.refreshes.acquire(id, 'a', 45_000);
      if (leased === undefined) throw new Error('the lease is taken');
      const tokens = tokensUntil(null, { obtainedAt: new Date() });
      const event = { ...anEvent(connection, id), time: new Date() };
      expect(await stores.refreshes.save(leased.grant, 'a', tokens, event)).toBe(true);
    }
    expect(await due('untried')).toEqual(before.filter((id) => id !== authorized && id !== imported));
    await stores.database.write('acme', ({ grants }) =>
      grants.replace(
        authorized,
        anArrival(connection, { tokens: tokensUntil(null, { obtainedAt: minutesFromNow(1) }) }),
      ),
    );
    expect(await due('untried')).toContain(authorized);
  });

  test('a sweep finds exactly the grants for which isDue is true, each once', async () => {
    const now = new Date();
    const ids = new Set<string>();
    const lefts = [-10, 0, 12, 29, 31, 34, 36, 200, 239, 241, null];
    for (const left of lefts) {
      for (const age of [1, 16, null]) {
        for (const lifetimeSeconds of [600, 1500, null]) {
          const obtainedAt = age === null ? null : minutesFromNow(-age);
          ids.add(await grant(left, { obtainedAt, lifetimeSeconds }));
        }
        for (const refreshLeft of [-10, 12, 34, 36, 239, 241]) {
          const obtainedAt = age === null ? null : minutesFromNow(-age);
          ids.add(await grant(left, { obtainedAt, refreshExpiresAt: minutesFromNow(refreshLeft) }));
        }
      }
    }
    const found = [];
    for (const part of ['expiring', 'ending', 'untried'] as const) found.push(...(await dueOf(part, 50, now)));
    const dueByRule = [];
    for (const id of ids) {
      const stored = await stores.refreshes.find(id);
      if (stored !== undefined && isDue(stored.grant, schedule, now)) dueByRule.push(id);
    }
    expect(dueByRule.length).toBeGreaterThan(50);
    expect(dueByRule.length).toBeLessThan(ids.size - 30);
    const foundHere = found.map(({ id }) => id).filter((id) => ids.has(id));
    expect(foundHere.toSorted()).toEqual(dueByRule.toSorted());
  });

  test('a sweep skips a new token that outlives the next sweep', async () => {
    const before = await due('expiring', 500);
    await grant(60, { obtainedAt: minutesFromNow(-1) });
    const short = await grant(31, { obtainedAt: minutesFromNow(-1) });
    const unknownAge = await grant(61, { obtainedAt: null });
    expect(new Set(await due('expiring', 500))).toEqual(new Set([...before, short, unknownAge]));
  });

  test('a sweep reads each part through its partial index', async () => {
    await pool.query(`
      insert into grants (id, connection_id, organization_id, subject, status, sealed_tokens, expires_at, refresh_expires_at, refreshable, retry_at, keep_alive_at, last_refresh_at, obtained_at, created_at, updated_at)
      select gen_random_uuid(), '${connection.id}', 'many', 'm' || n, case when n % 10 = 0 then 'failed' else 'completed' end, '\\x00',
        case when n % 9 > 0 then now() + n * interval '1 hour' end, now() + n * interval '1 hour', true,
        case when n % 10 = 0 then now() + n * interval '1 hour' end, now() + n * interval '1 hour',
        case when n % 4 > 0 then now() end, now() - interval '1 day', now(), now()
      from generate_series(1, 20000) n`);
    await pool.query('analyze grants');
    for (const part of sweepParts) {
      const after = { at: minutesFromNow(-5), id: connection.id };
      const query = dueGrants({ ...schedule, part, now: new Date(), after, limit: 500 });
      const { rows } = await sql<{ 'QUERY PLAN': string }>`explain ${query}`.execute(createKysely(pool));
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toContain(`grants_${part}`);
      expect(plan).not.toContain('Seq Scan');
    }
  });
});

describe('begin of a sweep', () => {
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

  test('only one of many concurrent sweeps begins, and no other begins soon after it finished', async () => {
    expect(await stores.sweeps.last()).toBeNull();
    const ids = Array.from({ length: 12 }, () => v7());
    const outcomes = await Promise.all(ids.map((id) => begin(id)));
    expect(outcomes.filter((outcome) => outcome === 'begun')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'running')).toHaveLength(11);
    const begun = ids[outcomes.indexOf('begun')] ?? '';
    await stores.sweeps.finish(begun, { found: 3, enqueued: 3 });
    expect(await begin()).toBe('done');
    await pool.query("update sweeps set started_at = started_at - interval '4 minutes'");
    expect(await begin()).toBe('begun');
  });

  test('a new sweep begins at once after one that was given up or stopped reporting', async () => {
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

  test('the counts of a sweep include refreshes that end after it finished', async () => {
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

  test('a new sweep deletes old sweeps beyond the number kept', async () => {
    await pool.query(
      "insert into sweeps (id, started_at, finished_at) select gen_random_uuid(), now() - n * interval '1 hour', now() from generate_series(1, 300) n",
    );
    expect(await begin()).toBe('begun');
    const { rows } = await pool.query<{ count: string }>('select count(*) from sweeps');
    expect(Number(rows[0]?.count)).toBeLessThan(110);
  });
});
