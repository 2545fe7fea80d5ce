import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Secret } from '../../src/domain/secret.ts';
import { createJobs } from '../../src/jobs/create-jobs.ts';
import { readInstallationId } from '../../src/postgres/maintenance/installation.ts';
import type { Service } from './service.ts';

const pollMs = 250;
/** Every start queues a sweep, and the queue accepts the next one half a minute later. */
const startsWithinMs = 60_000;
const endsWithinMs = 600_000;

interface Sweep {
  id: string;
  refreshed: number;
  ended: number;
}

/** Queues sweeps for the service and measures them. */
export async function openSweeps({ databaseUrl }: Service) {
  await using stack = new AsyncDisposableStack();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  stack.defer(() => client.end());
  const refuse = () => Promise.reject(new Error('this process runs no jobs'));
  const jobs = createJobs({
    location: { databaseUrl: new Secret(databaseUrl) },
    installationId: () => readInstallationId(client),
    intervals: { sweep: 1, health: 1, expiry: 1, audit: 1, revocation: 1 },
    concurrency: 1,
    handlers: {
      sweep: refuse,
      refresh: refuse,
      refreshAhead: refuse,
      checkHealth: refuse,
      runHealthChecks: refuse,
      warnOfExpiry: refuse,
      maintainAudit: refuse,
      revokePending: refuse,
    },
    log: { info: () => {}, warn: () => {} },
  });
  await jobs.start(false);
  stack.defer(() => jobs.close());

  const latest = async () =>
    (await client.query<Sweep>('select id, refreshed, refreshed + failed + skipped as ended from sweeps')).rows[0];

  /**
   * Resolves when a sweep has started. Deletes earlier sweeps first: the pause after the last one would delay this one.
   */
  async function begin(): Promise<void> {
    await client.query('delete from sweeps');
    const until = Date.now() + startsWithinMs;
    while ((await latest()) === undefined) {
      if (Date.now() > until) throw new Error('no sweep started');
      await jobs.enqueueSweep();
      await sleep(pollMs);
    }
  }

  async function finish(count: number): Promise<Sweep> {
    const until = Date.now() + endsWithinMs;
    for (;;) {
      const sweep = await latest();
      if (sweep !== undefined && sweep.ended >= count) return sweep;
      if (Date.now() > until) throw new Error(`only ${sweep?.ended} of ${count} due grants were processed`);
      await sleep(pollMs);
    }
  }

  const owned = stack.move();
  return {
    /** Makes all grants due and urgent, so that no refresh is delayed. Returns the seconds until all are refreshed. */
    async run(): Promise<{ count: number; seconds: number }> {
      const { rowCount } = await client.query(
        "update grants set expires_at = now() + interval '10 minutes', obtained_at = now() - interval '1 hour'",
      );
      await client.query('vacuum analyze grants');
      const count = rowCount ?? 0;
      await begin();
      const { refreshed } = await finish(count);
      if (refreshed !== count) throw new Error(`only ${refreshed} of ${count} due grants were refreshed`);
      const { rows } = await client.query<{ seconds: number }>(
        `select extract(epoch from (select max(last_refresh_at) from grants) - started_at)::float8 as seconds
         from sweeps order by started_at limit 1`,
      );
      return { count, seconds: rows[0]?.seconds ?? Number.NaN };
    },
    /** Settings of the database that decide the cost of a commit. */
    async durability(): Promise<string> {
      const { rows } = await client.query<{ set: string }>(
        "select string_agg(name || ' ' || setting, ', ' order by name) as set from pg_settings where name in ('fsync', 'synchronous_commit')",
      );
      return rows[0]?.set ?? '';
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
