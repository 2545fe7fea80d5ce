import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertDueGrants, startInstantProvider } from '../../support/faults/due-grants.ts';
import { addConnection, type FaultConnection, type FaultWorld, openFaultWorld } from '../../support/faults/world.ts';
import type { Api } from '../../support/http/broker-api.ts';

const grantCount = 600;
const defaultMax = 20;
const patience = { timeout: 25_000, interval: 100 };

let world: FaultWorld;
let provider: Awaited<ReturnType<typeof startInstantProvider>>;
let connection: FaultConnection;
let subjects: string[];
let sampler: Client;
beforeAll(async () => {
  provider = await startInstantProvider();
  // Without the cache, every fetch reads the database.
  world = await openFaultWorld({ redisUrl: null, env: { CREDENTIAL_CACHE_MAX: '0' } });
  await world.migrate();
  const first = await world.start({ env: { ROLE: 'api' } });
  connection = await addConnection(world, first, { token_url: provider.tokenUrl });
  await first.stop();
  const refreshTokens = await insertDueGrants(world, connection, grantCount);
  // The subject of such a grant is its id, which is also part of its refresh token.
  subjects = refreshTokens.map((token) => token.slice('rt-'.length));
  sampler = new Client({ connectionString: world.databaseUrl });
  await sampler.connect();
});
afterAll(async () => {
  await sampler?.end();
  await world?.close();
  await provider?.close();
});

/** Makes every grant due, and the next sweep overdue: a worker then sweeps at its start, unless one was just queued. */
async function makeAllDue(): Promise<void> {
  for (const table of ['job', 'scheduler', 'dedup']) await world.sql(`delete from token_broker_jobs.${table}`);
  await world.sql(
    `update grants set expires_at = now() - interval '1 minute', obtained_at = now() - interval '1 hour'`,
  );
  await world.sql('delete from sweeps');
}

async function countConnections(): Promise<number> {
  const { rows } = await sampler.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
  );
  return rows[0]?.count ?? 0;
}

async function countDue(): Promise<number> {
  const { rows } = await sampler.query<{ count: number }>(
    'select count(*)::int as count from grants where expires_at < now()',
  );
  return rows[0]?.count ?? 0;
}

/** Counts connections without a pause until `stop`, which returns the maximum. */
function sampleConnections(): { stop(): Promise<number> } {
  let isRunning = true;
  const sampled = (async () => {
    let most = 0;
    while (isRunning) most = Math.max(most, await countConnections());
    return most;
  })();
  return {
    stop: () => {
      isRunning = false;
      return sampled;
    },
  };
}

/** Fetches every credential at once, and revokes API keys meanwhile: revocations have a connection of their own. */
async function callApi(api: Api): Promise<void> {
  const revokeKey = async () => {
    const { status, text, body } = await api.post('/admin/api-keys', {
      name: 'short-lived',
      permissions: ['credentials:read'],
      organizations: ['acme'],
    });
    expect(status, text).toBe(201);
    expect((await api.delete(`/admin/api-keys/${String(body.id)}`)).status).toBe(204);
  };
  const statuses = subjects.map(
    async (subject) => (await api.get(`${connection.credential}?subject=${subject}`)).status,
  );
  await Promise.all([...statuses, ...Array.from({ length: 20 }, revokeKey)]);
  expect(new Set(await Promise.all(statuses))).toEqual(new Set([200]));
}

test.for(
  [
    { role: 'api', least: 6 },
    { role: 'worker', least: 10 },
    { role: 'all', least: 10 },
  ].flatMap(({ role, least }) => [least, defaultMax].map((max) => ({ role, max }))),
)(
  'a process with ROLE=$role and its queue on Postgres opens at most the $max connections of DATABASE_POOL_MAX',
  async ({ role, max }) => {
    await makeAllDue();
    await expect.poll(countConnections, patience).toBe(0);
    const sampling = sampleConnections();
    const service = await world.spawn({
      env: { ROLE: role, ...(max === defaultMax ? {} : { DATABASE_POOL_MAX: String(max) }) },
    });
    let most: number;
    try {
      await service.ready();
      if (role !== 'worker') for (let round = 0; round < 2; round++) await callApi(service.api);
      await expect.poll(countDue, patience).toBe(0);
      expect((await sampler.query('select id from sweeps')).rowCount).toBe(role === 'api' ? 0 : 1);
    } finally {
      most = await sampling.stop();
      await service.stop();
    }
    // Only calls of the API use every connection: the sweep needs none for revocations, and fewer of the pool.
    if (role === 'worker') expect(most).toBeLessThanOrEqual(max);
    else expect(most).toBe(max);
  },
);
