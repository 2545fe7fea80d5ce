import { performance } from 'node:perf_hooks';
import pg from 'pg';
import { newId } from '../../src/crypto/tokens.ts';
import type { SweepCursor } from '../../src/domain/ports/maintenance/lanes.ts';
import { type SweepPart, type SweepStore, sweepParts } from '../../src/domain/ports/maintenance/sweeps.ts';
import { createEmbeddedPostgres } from '../../src/embedded/cluster/embedded-postgres.ts';
import { migrate } from '../../src/postgres/driver/migrate.ts';
import { createPostgres } from '../../src/postgres/postgres.ts';
import { createDataDir } from '../../test/support/processes/data-dir.ts';
import { interleave } from '../support/interleave.ts';
import type { Figure } from '../support/report.ts';
import type { Scenario } from './scenario.ts';

/** Due grants of each part of a sweep. The first part takes several pages. */
const due = {
  expiring: 1_200,
  retrying: 200,
  idle: 200,
  ending: 200,
  untried: 200,
  siblings: 0,
} as const satisfies Record<SweepPart, number>;
const pageSize = 500;
const measurements = 100;
const minuteMs = 60_000;
const schedule = { intervalMs: 30 * minuteMs, windowMs: 240 * minuteMs };

/** Selects as a sweep does: all parts, page by page. */
export const selectionScenario: Scenario = {
  name: 'selection',
  title: 'Selection of the same number of due grants among many, against few, without a queue or a refresh',
  async run({ storedGrants: [few, many] }): Promise<Figure[]> {
    await using stack = new AsyncDisposableStack();
    const dataDir = createDataDir();
    stack.defer(() => dataDir.remove());
    const server = await createEmbeddedPostgres({ dataDir: dataDir.path, log: () => {} });
    stack.defer(() => server.stop());
    const open = async (name: string, stored: number) => {
      const url = await createDatabase(server.connectionString.reveal(), name);
      await fill(url, stored);
      const postgres = createPostgres({ connectionString: url, poolMax: 1, onError: () => {} });
      stack.defer(() => postgres.close());
      return { name, measure: () => timeSelection(postgres.sweeps) };
    };
    const small = await open('few', few);
    const large = await open('many', many);
    const { subject, baseline, ratio, rounds } = await interleave(large, small, measurements);
    const what = `${total} due among ${many}, against ${few}`;
    return [
      { what, value: subject, unit: 'ms', baseline, ratio, target: { below: 1.5 }, details: { rounds: rounds.length } },
    ];
  },
};

const total = Object.values<number>(due).reduce((sum, count) => sum + count, 0);

async function timeSelection(sweeps: SweepStore): Promise<number> {
  const now = new Date();
  const sweepId = newId();
  let found = 0;
  const startedAt = performance.now();
  for (const part of sweepParts) {
    let after: SweepCursor | null = null;
    do {
      const page: Awaited<ReturnType<SweepStore['collect']>> = await sweeps.collect(sweepId, {
        part,
        now,
        ...schedule,
        after,
        limit: pageSize,
      });
      found += page.found;
      after = page.next;
    } while (after !== null);
  }
  const ms = performance.now() - startedAt;
  await sweeps.giveUp(sweepId);
  if (found !== total) throw new Error(`${found} grants were selected, not ${total}`);
  return ms;
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  await query(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  await migrate(url.href);
  return url.href;
}

/** Inserts due grants, and grants in the same indexes that become due days later. */
async function fill(url: string, stored: number): Promise<void> {
  const connection = newId();
  await query(
    url,
    `insert into connections (id, name, provider, flow, client_id, variables, scopes, authorize_params, token_params,
       multi_account, share_with_organizations, config_version, revision, created_by, created_at, updated_at)
     values ($1, 'bench', 'generic', 'refresh_token', 'bench', '{}', '{}', '{}', '{}', false, false, 1, 1, 'bench', now(), now())`,
    [connection],
  );
  const retrying = due.expiring + due.retrying;
  const idle = retrying + due.idle;
  await query(
    url,
    `insert into grants (id, connection_id, subject, status, status_reason, sealed_tokens, expires_at, refresh_expires_at, obtained_at,
       lifetime_seconds, refreshable, keep_alive_at, retry_at, created_at, updated_at)
     select gen_random_uuid(), $1, 'person-' || n,
       case when n > $2 and n <= $3 or n > $5 and n % 20 = 0 then 'failed' else 'completed' end,
       case when n > $2 and n <= $3 or n > $5 and n % 20 = 0 then 'provider_rejected' end,
       decode(repeat('ab', 100), 'hex'),
       case when n <= $2 then now() + n % 200 * interval '1 minute'
         when n <= $4 + ${due.ending} or n > $5 then now() + interval '2 days' + n % 10000 * interval '1 minute' end,
       case when n > $4 and n <= $4 + ${due.ending} then now() + n % 200 * interval '1 minute' + interval '1 second'
         else now() + interval '2 days' + n % 10000 * interval '1 minute' end,
       now() - interval '1 hour', 86400, true,
       case when n > $3 and n <= $4 then now() - n * interval '1 second' else now() + interval '2 days' + n % 10000 * interval '1 minute' end,
       case when n > $2 and n <= $3 then now() - n * interval '1 second' when n > $5 and n % 20 = 0 then now() + interval '1 day' end,
       now(), now()
     from generate_series(1, $6::integer) as n`,
    [connection, due.expiring, retrying, idle, total, stored],
  );
  await query(url, 'vacuum analyze grants');
}

async function query(url: string, statement: string, values: unknown[] = []): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement, values);
  } finally {
    await client.end();
  }
}
