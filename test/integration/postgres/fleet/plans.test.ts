import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Reach } from '../../../../src/domain/callers/caller.ts';
import type { ConnectionSelection, FleetReader, GrantSelection } from '../../../../src/domain/ports/fleet.ts';
import { createKysely } from '../../../../src/postgres/database.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import { createFleetReader } from '../../../../src/postgres/fleet/fleet-reader.ts';
import { seedFleet } from '../../../support/postgres/seed-fleet.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

/** Statements of a page without conditions that need the rows themselves: its rows, one more, and their look-ups. */
const limit = 50;
const fewRows = 6 * (limit + 1);
/** A scan of 10,000 rows, its end, and a look-up for each row. */
const boundedRows = 45_000;

let stores: TestStores;
let pool: pg.Pool;
let fleet: FleetReader;
let statements: [text: string, values: unknown[]][] = [];

beforeAll(async () => {
  stores = await openTestStores();
  await seedFleet(stores.url, { organizations: 2_000, grants: 200_000 });
  pool = createPool({ connectionString: stores.url, poolMax: 1, statementTimeoutMs: 120_000, onError: () => {} });
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...parameters: unknown[]) => unknown;
    client.query = ((...parameters: unknown[]) => {
      const [text, values] = parameters;
      if (typeof text === 'string' && /^\s*(select|with)/.test(text)) statements.push([text, values as unknown[]]);
      return query(...parameters);
    }) as typeof client.query;
  });
  fleet = createFleetReader(createKysely(pool));
}, 240_000);
afterAll(async () => {
  await pool?.end();
  await stores?.end();
});

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

const readByIndexOnly = ['grants', 'connections', 'fleet_grants', 'authorizations', 'audit_events'];

/** Runs `work`, and explains every statement that it sent. Returns the rows that their scans read. */
async function rowsReadBy(work: () => Promise<unknown>): Promise<number> {
  statements = [];
  await work();
  const sent = statements;
  expect(sent.length).toBeGreaterThan(0);
  let rows = 0;
  for (const [text, values] of sent) {
    const explained = await pool.query(`explain (analyze, format json) ${text}`, values);
    for (const node of nodesOf(explained.rows[0]['QUERY PLAN'][0].Plan)) {
      const read = (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
      const scans = node['Node Type'].endsWith('Scan') && node['Node Type'] !== 'Subquery Scan';
      if (scans) rows += read;
      const isNamed = readByIndexOnly.includes(node['Relation Name'] ?? '');
      // The rows of a page are read by their ids, for which a bitmap is as good as an index scan.
      const isPage = node['Node Type'] === 'Bitmap Heap Scan' && node['Actual Rows'] <= limit + 1;
      if (isNamed && !isPage) {
        expect(`${node['Node Type']} on ${node['Relation Name']}`, text).not.toMatch(/^(Seq|Bitmap)/);
      }
      // The last sort puts the rows of at most 20 segments in order; the segments themselves come from an index in order.
      if (node['Node Type'].endsWith('Sort')) expect(node['Actual Rows'], text).toBeLessThan(20 * (limit + 2));
    }
  }
  return rows;
}

const everything = { organizations: '*', global: true } as const;
const soon = new Date(Date.now() + 60_000);
const later = new Date(Date.now() + 3 * 86_400_000);

const owners: [string, Partial<GrantSelection>][] = [
  ['everyone', {}],
  ['an organisation of half of the grants', { organizationId: 'big' }],
  ['a small organisation', { organizationId: 'org-77' }],
  ['a caller of three organisations', { reach: { organizations: ['org-5', 'big', 'org-9'], global: true } }],
  ['a caller without the global scope', { reach: { organizations: '*', global: false } }],
];
const names: [string, Partial<GrantSelection>][] = [
  ['any connection', {}],
  ['a connection name', { connectionName: 'slack-main' }],
  ['a provider', { provider: 'google' }],
  ['a name and a provider', { connectionName: 'shared', provider: 'google' }],
];
const states: [string, Partial<GrantSelection>][] = [
  ['any state', {}],
  ['working', { status: 'completed' }],
  ['failed', { status: 'failed' }],
  ['not connected', { status: 'not_connected' }],
  ['a reason', { reason: 'client_rejected' }],
  ['needing a person', { nextAction: 'authorize' }],
  [
    'failed for a reason that needs an administrator',
    { status: 'failed', reason: 'client_rejected', nextAction: 'reconfigure' },
  ],
];
const conditions: [string, Partial<GrantSelection>][] = [
  ['access tokens that end now', { expiresBefore: soon }],
  ['access tokens that end within days', { expiresBefore: later }],
  ['refresh tokens that end within days', { refreshExpiresBefore: later }],
  ['both', { expiresBefore: soon, refreshExpiresBefore: later }],
  ['a text', { q: 'son-77' }],
];

const combined = owners.flatMap(([owner, ofOwner]) =>
  names.flatMap(([name, ofName]) =>
    states.map(([state, ofState]): [string, GrantSelection] => [
      `${owner}, ${name}, ${state}`,
      { reach: everything, ...ofOwner, ...ofName, ...ofState },
    ]),
  ),
);

const conditioned = conditions.flatMap(([condition, ofCondition]) =>
  combined
    .filter(([name]) => !/small|client|needs|not connected|needing/.test(name))
    .map(([name, selection]): [string, GrantSelection] => [`${condition}, ${name}`, { ...selection, ...ofCondition }]),
);

describe('GET /admin/grants reads a bounded number of rows by indexes alone', () => {
  test.each(combined)('%s', async (_name, selection) => {
    const works = selection.status === 'completed' || selection.nextAction === 'none';
    const isPair = [selection.organizationId ?? selection.reach, selection.connectionName, selection.provider];
    const hasResidual =
      works || selection.reach !== everything || isPair.filter((each) => each !== undefined).length > 1;
    const read = await rowsReadBy(() => fleet.listGrants(selection, { limit }));
    expect(read).toBeLessThan(hasResidual ? boundedRows : fewRows);
    const { nextCursor } = await fleet.listGrants(selection, { limit: 5 });
    if (nextCursor === null) return;
    const second = await rowsReadBy(() => fleet.listGrants(selection, { limit, cursor: nextCursor }));
    expect(second).toBeLessThan(hasResidual ? boundedRows : fewRows);
  });

  test.each(conditioned)('%s', async (_name, selection) => {
    expect(await rowsReadBy(() => fleet.listGrants(selection, { limit }))).toBeLessThan(boundedRows);
  });

  test('one grant', async () => {
    const { grants } = await fleet.listGrants({ reach: everything }, { limit: 1 });
    const [found] = grants;
    expect(found).toBeDefined();
    expect(await rowsReadBy(() => fleet.findGrant(found?.grant.id ?? '', everything))).toBeLessThan(5);
  });
});

describe('GET /admin/connections reads a bounded number of rows by indexes alone', () => {
  const filters: Partial<ConnectionSelection>[] = [
    {},
    { status: 'failed' },
    { status: 'completed' },
    { q: 'ack' },
    { flow: 'refresh_token' },
  ];
  test.each(
    owners.flatMap(([owner, ofOwner]) =>
      [undefined, 'slack'].flatMap((provider) =>
        filters.map((filter): [string, ConnectionSelection] => [
          `${owner}, ${JSON.stringify({ provider, ...filter })}`,
          { reach: everything, ...ofOwner, ...(provider && { provider }), ...filter },
        ]),
      ),
    ),
  )('%s', async (_name, selection) => {
    expect(await rowsReadBy(() => fleet.listConnections(selection, { limit }))).toBeLessThan(boundedRows);
  });

  test('one connection, and the counts of its grants', async () => {
    const { records } = await fleet.listConnections({ reach: everything }, { limit: 10 });
    for (const { connection } of records) {
      expect(await rowsReadBy(() => fleet.findConnection(connection.id, everything))).toBeLessThan(20);
      for (const reach of [everything, { organizations: ['big', 'org-3'], global: true }]) {
        expect(await rowsReadBy(() => fleet.countGrantsOf(connection.id, reach))).toBeLessThan(21_000);
      }
    }
  });
});

test('GET /admin/stats reads a bounded number of rows by indexes alone, for any caller', async () => {
  for (const [, { reach = everything }] of owners) {
    const periods = { dueMs: 4 * 3_600_000, expiryWarningMs: 7 * 86_400_000 };
    expect(await rowsReadBy(() => fleet.readStats(reach, periods))).toBeLessThan(60_000);
  }
});

describe('the overview of the console reads a bounded number of rows by indexes alone', () => {
  const reaches = [
    ...owners.map(([owner, { reach, organizationId }]): [string, Reach] => [
      owner,
      reach ?? (organizationId === undefined ? everything : { organizations: [organizationId], global: false }),
    ]),
    [
      'a caller of 2,000 organisations',
      { organizations: Array.from({ length: 2_000 }, (_, n) => `org-${n}`), global: true },
    ],
  ] satisfies [string, Reach][];

  test.each(reaches)('needs of %s', async (_name, reach) => {
    expect(await rowsReadBy(() => fleet.readNeeds(reach))).toBeLessThan(60_000);
  });

  test.each(reaches)('forecast of %s', async (_name, reach) => {
    const options = { now: new Date(), windowMs: 4 * 3_600_000 };
    expect(await rowsReadBy(() => fleet.readForecast(reach, options))).toBeLessThan(110_000);
  });
});
