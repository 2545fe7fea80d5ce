import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Reach } from '../../../../src/domain/callers/caller.ts';
import { type ForecastPeriod, forecastMeasures } from '../../../../src/domain/ports/fleet.ts';
import { createKysely } from '../../../../src/postgres/database.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import { createForecastReader } from '../../../../src/postgres/fleet/forecast.ts';
import { createNeedsReader } from '../../../../src/postgres/fleet/needs.ts';
import { seedFleet } from '../../../support/postgres/seed-fleet.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let client: Client;
let pool: ReturnType<typeof createPool>;
beforeAll(async () => {
  stores = await openTestStores();
  await seedFleet(stores.url, { organizations: 6, grants: 1_500 });
  client = new Client({ connectionString: stores.url });
  await client.connect();
  pool = createPool({ connectionString: stores.url, poolMax: 1, onError: () => {} });
  // Some refresh tokens roll, and some die within days. One organisation has connections that were never connected.
  await client.query(`update grants set refresh_rolls = true where length(subject) % 2 = 0 and status = 'completed'`);
  await client.query(`
    update grants set refresh_expires_at = now() + interval '1 hour' * (substr(subject, 8)::int % 200)
    where status = 'completed' and subject like 'person-%'`);
  // Shared grants, of which some do not work. An owner never changes in the service, so no trigger follows it.
  const shared = `substr(subject, 8)::int % 5 = 2 and substr(subject, 8)::int < 1200`;
  const { rows: moved } = await client.query(
    `update grants set organization_id = null, subject = id::text,
       connection_id = (select id from connections where name = 'shared')
     where ${shared} returning id`,
  );
  await client.query(
    `update fleet_grants set owner = '', connection_name = 'shared', provider = 'slack' where grant_id = any($1::uuid[])`,
    [moved.map(({ id }) => id)],
  );
  for (const [owner, name] of [
    ['org-3', 'fresh'],
    ['org-3', 'fresh-too'],
    [null, 'fresh-shared'],
  ]) {
    await client.query(
      `insert into connections (id, organization_id, name, provider, flow, client_id, variables, scopes, authorize_params,
         token_params, multi_account, share_with_organizations, config_version, revision, created_by, created_at, updated_at)
       values (gen_random_uuid(), $1, $2, 'slack', 'refresh_token', 'x', '{}', '{}', '{}', '{}', false, true, 1, 1, 'seed', now(), now())`,
      [owner, name],
    );
  }
});
afterAll(async () => {
  await pool?.end();
  await client?.end();
  await stores?.end();
});

const reaches: [Reach, owned: string][] = [
  [{ organizations: '*', global: true }, 'true'],
  [{ organizations: '*', global: false }, 'g.organization_id is not null'],
  [{ organizations: ['org-3'], global: false }, "g.organization_id = 'org-3'"],
  [
    { organizations: ['big', 'org-4'], global: true },
    "g.organization_id in ('big', 'org-4') or g.organization_id is null",
  ],
  [{ organizations: [], global: true }, 'g.organization_id is null'],
  [{ organizations: ['unknown'], global: false }, 'false'],
];

describe.each(reaches)('%j', (reach, owned) => {
  test('needs are the grants that need a person, by provider and reason, with one of them', async () => {
    const { groups } = await stores.fleet.readNeeds(reach);
    const { rows } = await client.query(
      `select f.provider, nullif(f.reason, '') as reason, f.next_action as "nextAction", count(*)::int as grants,
         array_agg(g.id || ' ' || coalesce(g.organization_id, '') || ' ' || f.connection_name) as examples
       from grants g join fleet_grants f on f.grant_id = g.id
       where (${owned}) and f.next_action in ('authorize', 'reconfigure') group by 1, 2, 3`,
    );
    const text = (group: object) => JSON.stringify(group, ['provider', 'reason', 'nextAction', 'grants']);
    expect(groups.map(text).sort()).toEqual(rows.map(text).sort());
    expect(groups.map(({ grants }) => grants)).toEqual(groups.map(({ grants }) => grants).toSorted((a, b) => b - a));
    for (const { example, ...group } of groups) {
      const own = rows.find((row) => text({ ...group }) === text(row));
      expect(own.examples).toContain(`${example?.grantId} ${example?.organizationId ?? ''} ${example?.connectionName}`);
    }
  });

  test('connections that were never connected', async () => {
    const { neverConnected } = await stores.fleet.readNeeds(reach);
    const { rows } = await client.query(
      `select count(*)::int as count from connections g
       where (${owned}) and not exists (select from grants where connection_id = g.id)
         and not exists (select from authorizations where connection_id = g.id)`,
    );
    expect(neverConnected).toEqual({ count: rows[0].count, isComplete: true });
    const limited = await createNeedsReader({ db: createKysely(pool), most: 1 }).readNeeds(reach);
    expect(limited.neverConnected.count).toBeLessThanOrEqual(neverConnected.count);
  });

  test('a forecast counts each grant in its hour and day, whichever index it reads', async () => {
    const options = { now: new Date(), windowMs: 4 * 3_600_000 };
    const exact = await expectedPeriods(owned, options);
    for (const owned of [5_000, 0]) {
      const limits = { each: 2_000, eachLookedUp: 2_000, owned };
      const forecast = await createForecastReader({ db: createKysely(pool), limits }).readForecast(reach, options);
      expect([...forecast.hours, ...forecast.days].map(counts)).toEqual(exact);
    }
    for (const each of [0, 3]) {
      const limits = { each, eachLookedUp: each, owned: -1 };
      const { hours, days } = await createForecastReader({ db: createKysely(pool), limits }).readForecast(
        reach,
        options,
      );
      for (const [at, period] of [...hours, ...days].entries()) {
        for (const [which, measure] of forecastMeasures.entries()) {
          const { count, isComplete } = period[measure];
          if (isComplete) expect(count).toBe(exact[at]?.[which]);
          else expect(count).toBeLessThanOrEqual(exact[at]?.[which] ?? 0);
        }
      }
    }
  });
});

function counts(period: ForecastPeriod): number[] {
  return forecastMeasures.map((measure) => period[measure].count);
}

async function expectedPeriods(owned: string, { now, windowMs }: { now: Date; windowMs: number }) {
  const at = (ms: number) => new Date(now.getTime() + ms);
  const lengths = [...Array.from({ length: 24 }, () => 3_600_000), ...Array.from({ length: 7 }, () => 86_400_000)];
  const expected: number[][] = [];
  for (const [place, lengthMs] of lengths.entries()) {
    const number = place < 24 ? place : place - 24;
    const from = at(number * lengthMs);
    const to = at((number + 1) * lengthMs);
    const dueFrom = number === 0 ? new Date(0) : new Date(from.getTime() + windowMs);
    const { rows } = await client.query(
      `select count(*) filter (where expires_at >= $1 and expires_at < $2)::int as expiring,
         count(*) filter (where expires_at >= $3 and expires_at < $4)::int as refreshes,
         count(*) filter (where refresh_expires_at >= $1 and refresh_expires_at < $2
           and not (coalesce(refresh_rolls, false) and consecutive_failures = 0 and expires_at <= refresh_expires_at))::int as dying
       from grants g where (${owned}) and status = 'completed' and refreshable`,
      [from, to, dueFrom, new Date(to.getTime() + windowMs)],
    );
    expected.push([rows[0].expiring, rows[0].refreshes, rows[0].dying]);
  }
  return expected;
}

test('connections are listed by flow', async () => {
  const reach: Reach = { organizations: '*', global: true };
  const { records } = await stores.fleet.listConnections({ reach, flow: 'refresh_token' }, { limit: 50 });
  expect(records.map(({ connection }) => connection.name).sort()).toEqual(['fresh', 'fresh-shared', 'fresh-too']);
});
