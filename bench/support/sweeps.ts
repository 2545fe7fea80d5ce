import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Secret } from '../../src/domain/secret.ts';
import { createJobs } from '../../src/jobs/create-jobs.ts';
import type { Service } from './service.ts';

const pollMs = 250;
/** The one that every start asks for keeps another out for half a minute. */
const startsWithinMs = 60_000;
const endsWithinMs = 600_000;

interface Sweep {
  id: string;
  refreshed: number;
  ended: number;
}

/** Asks the service for sweeps, and times them. */
export async function openSweeps({ databaseUrl }: Service) {
  await using stack = new AsyncDisposableStack();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  stack.defer(() => client.end());
  const isNobodys = () => Promise.reject(new Error('this process runs no jobs'));
  const jobs = createJobs({
    location: { databaseUrl: new Secret(databaseUrl) },
    intervals: { sweep: 1, health: 1, forecast: 1 },
    concurrency: 1,
    handlers: {
      ...{ sweep: isNobodys, refresh: isNobodys, refreshAhead: isNobodys },
      ...{ checkHealth: isNobodys, forecast: isNobodys },
    },
    log: { info: () => {}, warn: () => {} },
  });
  await jobs.start(false);
  stack.defer(() => jobs.close());

  const latest = async () =>
    (await client.query<Sweep>('select id, refreshed, refreshed + failed + skipped as ended from sweeps')).rows[0];

  /** Until a sweep is at work. Of those before nothing is left, or the pause after the last would hold this one up. */
  async function begin(): Promise<void> {
    await client.query('delete from sweeps');
    const until = Date.now() + startsWithinMs;
    while ((await latest()) === undefined) {
      if (Date.now() > until) throw new Error('no sweep began');
      await jobs.enqueueSweep();
      await sleep(pollMs);
    }
  }

  async function finish(count: number): Promise<Sweep> {
    const until = Date.now() + endsWithinMs;
    for (;;) {
      const sweep = await latest();
      if (sweep !== undefined && sweep.ended >= count) return sweep;
      if (Date.now() > until) throw new Error(`of ${count} due grants ${sweep?.ended} were dealt with`);
      await sleep(pollMs);
    }
  }

  const owned = stack.move();
  return {
    /** Makes every grant due, and urgent so that none is spread, and answers with the seconds until all are refreshed. */
    async run(): Promise<{ count: number; seconds: number }> {
      const { rowCount } = await client.query(
        "update grants set expires_at = now() + interval '10 minutes', obtained_at = now() - interval '1 hour'",
      );
      await client.query('vacuum analyze grants');
      const count = rowCount ?? 0;
      await begin();
      const { refreshed } = await finish(count);
      if (refreshed !== count) throw new Error(`of ${count} due grants ${refreshed} were refreshed`);
      const { rows } = await client.query<{ seconds: number }>(
        `select extract(epoch from (select max(last_refresh_at) from grants) - started_at)::float8 as seconds
         from sweeps order by started_at limit 1`,
      );
      return { count, seconds: rows[0]?.seconds ?? Number.NaN };
    },
    /** What the database does with a commit. */
    async durability(): Promise<string> {
      const { rows } = await client.query<{ set: string }>(
        "select string_agg(name || ' ' || setting, ', ' order by name) as set from pg_settings where name in ('fsync', 'synchronous_commit')",
      );
      return rows[0]?.set ?? '';
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
