import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { Kysely } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Reach } from '../../../../src/domain/callers/caller.ts';
import { createAuditReader } from '../../../../src/postgres/audit/audit-reader.ts';
import { createKysely } from '../../../../src/postgres/database.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import type { Tables } from '../../../../src/postgres/tables.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const everything: Reach = { organizations: '*', global: true };

let stores: TestStores;
let pool: pg.Pool;
let db: Kysely<Tables>;
let runs = 0;
beforeAll(async () => {
  stores = await openTestStores();
  pool = createPool({ connectionString: stores.url, poolMax: 2, onError: () => {} });
  db = createKysely(pool);
});
afterAll(async () => {
  await pool.end();
  await stores.end();
});

const insertText = `insert into audit_events (time, actor, action, organization_id, outcome, details)
  values (now() - make_interval(secs => $2), $1, 'grant.refreshed', $3, 'success', '{}') returning id::text`;

interface Write {
  /** Seconds by which the time of the event lies before its transaction: times are set before the commit. */
  secondsAgo: number;
  /** Milliseconds that the transaction stays open after the event is written. */
  openMs: number;
  organization: string | null;
  commits: boolean;
}

/** One session that writes one event in each transaction. Returns the ids of the committed ones. */
async function write(actor: string, writes: readonly Write[], onCommit: (id: string) => void): Promise<void> {
  const client = new pg.Client({ connectionString: stores.url });
  await client.connect();
  try {
    for (const { secondsAgo, openMs, organization, commits } of writes) {
      await client.query('begin');
      const { rows } = await client.query<{ id: string }>(insertText, [actor, secondsAgo, organization]);
      await sleep(openMs);
      await client.query(commits ? 'commit' : 'rollback');
      if (commits) onCommit(rows[0]?.id ?? '');
    }
  } finally {
    await client.end();
  }
}

const aWrite = fc.record({
  secondsAgo: fc.integer({ min: 0, max: 20 }),
  openMs: fc.integer({ min: 0, max: 15 }),
  organization: fc.constantFrom(null, 'acme', 'other'),
  commits: fc.boolean(),
});

test('an export holds every event that was committed when it began, each once, newest first, and no other organisation’s', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(aWrite, { minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 4 }),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom<Reach>(
        everything,
        { organizations: ['acme'], global: true },
        { organizations: ['acme'], global: false },
      ),
      async (writers, pieceOf, reach) => {
        const actor = `writer-${++runs}`;
        const committed = new Set<string>();
        const writing = Promise.all(writers.map((writes) => write(actor, writes, (id) => committed.add(id))));
        await sleep(10);
        const before = new Set(committed);
        const reader = createAuditReader({ db, pieceOf });
        const exported: { id: string; time: Date; organizationId: string | null }[] = [];
        for await (const piece of reader.export({ reach, actor })) {
          expect(piece.length).toBeLessThanOrEqual(pieceOf);
          exported.push(...piece);
          await sleep(3);
        }
        await writing;
        const ids = exported.map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        const order = exported.map(({ time, id }) => [time.getTime(), Number(id)] as const);
        expect(order).toEqual([...order].sort((a, b) => b[0] - a[0] || b[1] - a[1]));
        const { rows } = await pool.query<{ id: string; organization_id: string | null }>(
          'select id::text, organization_id from audit_events where actor = $1',
          [actor],
        );
        const reachable = rows.filter(({ organization_id: owner }) =>
          owner === null ? reach.global : reach.organizations === '*' || reach.organizations.includes(owner),
        );
        const mayAppear = new Set(reachable.map(({ id }) => id));
        expect(ids.filter((id) => !mayAppear.has(id))).toEqual([]);
        expect([...before].filter((id) => mayAppear.has(id) && !ids.includes(id))).toEqual([]);
      },
    ),
    { numRuns: 25 },
  );
});

/** Starts an export and reads its first event. */
async function beginExport(actor: string) {
  const events = createAuditReader({ db, pieceOf: 1 }).export({ reach: everything, actor })[Symbol.asyncIterator]();
  const first = await events.next();
  const rest = async () => {
    const ids: string[] = [];
    for (let piece = first; piece.done !== true; piece = await events.next())
      ids.push(...piece.value.map(({ id }) => id));
    return ids;
  };
  return { rest };
}

test('an event with an earlier time that is committed during an export is in the next export', async () => {
  const ids: string[] = [];
  const commit = (secondsAgo: number) =>
    write('late', [{ secondsAgo, openMs: 0, organization: null, commits: true }], (id) => ids.push(id));
  await commit(100);
  await commit(50);
  const [old, recent] = ids;
  const running = await beginExport('late');
  await commit(70);
  expect(await running.rest()).toEqual([recent, old]);
  expect(await (await beginExport('late')).rest()).toEqual([recent, ids[2], old]);
});

test('an export holds no transaction and no connection between two pieces', async () => {
  for (const secondsAgo of [1, 2, 3]) {
    await write('idle', [{ secondsAgo, openMs: 0, organization: null, commits: true }], () => {});
  }
  const running = await beginExport('idle');
  expect(pool.totalCount - pool.idleCount).toBe(0);
  const { rows } = await pool.query(
    "select state from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
  );
  expect(rows).toEqual([]);
  expect(await running.rest()).toHaveLength(3);
});

test('events that were restored from another server are exported, whatever their transaction numbers', async () => {
  const next = '(pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1)::text::xid8';
  const restored = [`'3'::xid8`, 'null', next, `'99999999999'::xid8`];
  for (const [n, transaction] of restored.entries()) {
    await pool.query(
      `insert into audit_events (time, actor, action, outcome, details, transaction_id)
       values (now() - $1 * interval '3 days', 'restored', 'grant.refreshed', 'success', '{}', ${transaction})`,
      [n + 1],
    );
  }
  expect(await (await beginExport('restored')).rest()).toHaveLength(restored.length);
});
