import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { insertGrants } from '../support/insert-grants.ts';
import { runLoad } from '../support/load.ts';
import { residentMiB } from '../support/processes.ts';
import type { Figure } from '../support/report.ts';
import { openService, type Service } from '../support/service.ts';
import type { Scenario } from './scenario.ts';

const callers = 32;
/** Target for the resident memory: 400 MB. */
const maxMiB = 381;
const sampleMs = 200;
/** Postgres publishes the statistics of an index within a second of its use. */
const statisticsMs = 2_000;

/** Measures memory while each of many grants is fetched twice: once to fill the cache, once from the cache. */
export const cacheMemoryScenario: Scenario = {
  name: 'cache-memory',
  title: 'Resident memory of the service’s Node process with many grants in the cache',
  async run({ cachedGrants, settleSeconds, quietSeconds }): Promise<Figure[]> {
    await using service = await openService({ CREDENTIAL_CACHE_MAX: String(cachedGrants) });
    const paths = await insertGrants(service, { name: 'kept', tokenUrl: 'http://127.0.0.1:9/token' }, cachedGrants);
    await sleep(settleSeconds * 1000);
    const before = residentMiB(service.pid);

    let peak = 0;
    const sampler = setInterval(() => {
      peak = Math.max(peak, residentMiB(service.pid));
    }, sampleMs);
    try {
      const load = { url: service.url, headers: service.fetchHeaders, paths, connections: callers };
      const filling = await runLoad(load);
      await sleep(quietSeconds * 1000 + statisticsMs);
      const filled = residentMiB(service.pid);
      const readsBefore = await grantReads(service);
      const walking = await runLoad(load);
      await sleep(quietSeconds * 1000 + statisticsMs);
      const fromMemory = 1 - ((await grantReads(service)) - readsBefore) / cachedGrants;
      const target = { below: maxMiB };
      return [
        { what: 'before', value: before, unit: 'MiB' },
        { what: `${cachedGrants} grants, each fetched once`, value: filled, unit: 'MiB', target },
        { what: 'each fetched once more', value: residentMiB(service.pid), unit: 'MiB', target },
        { what: 'peak of both', value: peak, unit: 'MiB' },
        { what: 'share of the second fetches served from memory', value: fromMemory, unit: 'ratio' },
        { what: 'first fetches', value: filling.requestsPerSecond, unit: 'req/s' },
        { what: 'second fetches', value: walking.requestsPerSecond, unit: 'req/s' },
      ];
    } finally {
      clearInterval(sampler);
    }
  },
};

async function grantReads({ databaseUrl }: Service): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ reads: number }>(
      "select idx_scan::float8 as reads from pg_stat_user_indexes where indexrelname = 'grants_slot'",
    );
    return rows[0]?.reads ?? Number.NaN;
  } finally {
    await client.end();
  }
}
