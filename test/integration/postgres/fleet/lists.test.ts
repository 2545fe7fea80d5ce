import fc from 'fast-check';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canReach, type Reach } from '../../../../src/domain/callers/caller.ts';
import { flows } from '../../../../src/domain/connections/connection.ts';
import { type Grant, statusReasons } from '../../../../src/domain/grants/grant.ts';
import { type NextAction, nextAction, nextActions } from '../../../../src/domain/next-action.ts';
import type { ConnectionSelection, FleetGrant, GrantSelection } from '../../../../src/domain/ports/fleet.ts';
import { seedFleet } from '../../../support/postgres/seed-fleet.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let client: Client;
let all: FleetGrant[] = [];
const periods = { dueMs: 4 * 3_600_000, expiryWarningMs: 7 * 86_400_000 };
const everything: Reach = { organizations: '*', global: true };

beforeAll(async () => {
  stores = await openTestStores();
  await seedFleet(stores.url, { organizations: 6, grants: 1_500 });
  client = new Client({ connectionString: stores.url });
  await client.connect();
  await client.query(
    `update grants set organization_id = null, subject = id::text
     where id in (select id from grants where connection_id in (select id from connections where organization_id is null) limit 40)`,
  );
  // An owner never changes in the service, so no trigger follows it.
  await client.query(
    `update fleet_grants f set owner = '' from grants g where g.id = f.grant_id and g.organization_id is null`,
  );
  all = await walk({ reach: everything });
});
afterAll(async () => {
  await client?.end();
  await stores?.end();
});

async function walk(selection: GrantSelection, limit = 200): Promise<FleetGrant[]> {
  const found: FleetGrant[] = [];
  let cursor: string | undefined;
  do {
    const page = await stores.fleet.listGrants(selection, { limit, ...(cursor !== undefined && { cursor }) });
    expect(page.grants.length).toBeLessThanOrEqual(limit);
    found.push(...page.grants);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return found;
}

const idsOf = (grants: readonly FleetGrant[]) => grants.map(({ grant }) => grant.id).sort();
const actionOf = ({ grant, connection }: FleetGrant): NextAction =>
  nextAction({
    status: grant.status,
    reason: grant.statusReason,
    flow: connection.settings.flow,
    isRetried: grant.retryAt !== null,
  });
const isBefore = (date: Date | null | undefined, before: Date | undefined) =>
  before === undefined || (date !== null && date !== undefined && date < before);

/** Decides in plain words whether a selection contains a grant. */
function selects(selection: GrantSelection, found: FleetGrant): boolean {
  const { grant, connection } = found;
  const q = selection.q?.toLowerCase();
  const texts = [grant.subject, grant.accountId, grant.accountName];
  return (
    canReach(selection.reach, grant.organizationId) &&
    (selection.organizationId ?? grant.organizationId) === grant.organizationId &&
    (selection.connectionName ?? connection.name) === connection.name &&
    (selection.provider ?? connection.settings.provider) === connection.settings.provider &&
    (selection.status ?? grant.status) === grant.status &&
    (selection.reason ?? grant.statusReason) === grant.statusReason &&
    (selection.nextAction ?? actionOf(found)) === actionOf(found) &&
    isBefore(grant.metadata?.expiresAt, selection.expiresBefore) &&
    isBefore(grant.metadata?.refreshExpiresAt, selection.refreshExpiresBefore) &&
    (q === undefined || texts.some((text) => text?.toLowerCase().includes(q)))
  );
}

const reaches: Reach[] = [
  everything,
  { organizations: '*', global: false },
  { organizations: ['org-3', 'big', 'org-2'], global: true },
  { organizations: ['org-4'], global: false },
  { organizations: [], global: true },
  { organizations: [], global: false },
];
const now = Date.now();
const dates = [new Date(now), new Date(now + 3 * 86_400_000), new Date(now + 30 * 86_400_000)];

const filters = {
  organizationId: fc.constantFrom('big', 'org-4', 'org-unknown'),
  connectionName: fc.constantFrom('shared', 'slack-main'),
  provider: fc.constantFrom('google', 'slack'),
  status: fc.constantFrom('failed', 'completed', 'not_connected', 'waiting_callback'),
  reason: fc.constantFrom('client_rejected', 'configuration_changed'),
  nextAction: fc.constantFrom(...nextActions),
  expiresBefore: fc.constantFrom(...dates),
  refreshExpiresBefore: fc.constantFrom(...dates),
  q: fc.constantFrom('PERSON-1', '7'),
} satisfies { [F in keyof Omit<GrantSelection, 'reach'>]-?: fc.Arbitrary<GrantSelection[F]> };
const names = Object.keys(filters);

/** Any caller with up to four filters: with more of them hardly a grant is left. */
const anySelection = fc
  .record({
    reach: fc.constantFrom(...reaches),
    values: fc.record(filters),
    used: fc.subarray(names, { maxLength: 4 }),
  })
  .map(({ reach, values, used }): GrantSelection => {
    const entries = Object.entries(values).filter(([name]) => used.includes(name));
    return { reach, ...Object.fromEntries(entries) };
  });

describe('grants across organisations', () => {
  test('the walk over all of them finds each once', async () => {
    expect(new Set(idsOf(all)).size).toBe(1_500);
    expect(all.length).toBe(1_500);
    expect(idsOf(await walk({ reach: everything }, 7))).toEqual(idsOf(all));
  });

  test('every combination of filters finds exactly the grants it names, each once, in pages of any size', async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(anySelection, fc.constantFrom(17, 50, 200), async (selection, limit) => {
        const expected = idsOf(all.filter((each) => selects(selection, each)));
        expect(idsOf(await walk(selection, limit))).toEqual(expected);
        if (expected.length > 0) found++;
      }),
      { numRuns: 250 },
    );
    expect(found).toBeGreaterThan(80);
  }, 120_000);

  test('a cursor of another selection, of another reach, and made-up text are refused', async () => {
    const { nextCursor } = await stores.fleet.listGrants({ reach: everything, organizationId: 'big' }, { limit: 2 });
    const refused = { code: 'invalid_request' };
    for (const selection of [{}, { organizationId: 'org-2' }, { provider: 'slack' }]) {
      const page = stores.fleet.listGrants({ reach: everything, ...selection }, { limit: 2, cursor: nextCursor ?? '' });
      await expect(page, JSON.stringify(selection)).rejects.toMatchObject(refused);
    }
    const values = ['x', '', [], ['facts'], ['facts', [], [[], 'no id']], ['facts', [], ['x']], ['facts', [1], null]];
    for (const value of values) {
      const cursor = Buffer.from(JSON.stringify(value)).toString('base64url');
      await expect(stores.fleet.listGrants({ reach: everything }, { limit: 2, cursor })).rejects.toMatchObject(refused);
    }
  });

  test('the statistics of each caller are the sums of its lists', async () => {
    for (const reach of reaches) {
      const { counts } = await stores.fleet.readStats(reach, periods);
      for (const { provider, status, reason, nextAction: action, grants } of counts) {
        const listed = await walk({ reach, provider, status, nextAction: action, ...(reason && { reason }) });
        expect(listed.filter(({ grant }) => grant.statusReason === reason).length).toBe(grants);
      }
      expect(counts.reduce((sum, { grants }) => sum + grants, 0)).toBe((await walk({ reach })).length);
    }
  });

  test('what is due, failing or ending is counted within the reach', async () => {
    for (const reach of reaches) {
      const { at, dueSoon, failing, refreshTokensExpiring } = await stores.fleet.readStats(reach, periods);
      const working = all.filter(({ grant }) => grant.status === 'completed' && canReach(reach, grant.organizationId));
      const count = (matches: (grant: Grant) => boolean) => ({
        count: working.filter(({ grant }) => matches(grant)).length,
        isComplete: true,
      });
      const ends = (date: Date | null | undefined, ms: number) => isBefore(date, new Date(at.getTime() + ms));
      expect(dueSoon).toEqual(
        count(({ metadata }) => metadata?.refreshable === true && ends(metadata.expiresAt, periods.dueMs)),
      );
      expect(failing).toEqual(count(({ consecutiveFailures }) => consecutiveFailures > 0));
      expect(refreshTokensExpiring).toEqual(
        count(
          ({ metadata }) => metadata?.refreshable === true && ends(metadata.refreshExpiresAt, periods.expiryWarningMs),
        ),
      );
    }
  });
});

test('the database decides who must act as the domain does, for every state of a grant', async () => {
  for (const status of ['completed', 'failed', 'not_connected'] as const) {
    for (const reason of [null, ...statusReasons]) {
      for (const flow of flows) {
        for (const isRetried of [false, true]) {
          const { rows } = await client.query('select fleet_next_action($1, $2, $3, $4) as action', [
            status,
            reason ?? '',
            flow,
            isRetried,
          ]);
          expect(rows[0].action, `${status} ${reason} ${flow} ${isRetried}`).toBe(
            nextAction({ status, reason, flow, isRetried }),
          );
        }
      }
    }
  }
});

describe('connections across organisations', () => {
  const walkConnections = async (selection: ConnectionSelection, limit: number) => {
    const found: { id: string; status: string; owner: string | null }[] = [];
    let cursor: string | undefined;
    do {
      const page = await stores.fleet.listConnections(selection, { limit, ...(cursor !== undefined && { cursor }) });
      for (const { connection, status } of page.records) {
        found.push({ id: connection.id, status, owner: connection.organizationId });
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return found;
  };

  test('every combination of filters finds exactly the connections it names', async () => {
    const every = await walkConnections({ reach: everything }, 200);
    const details = new Map(
      await Promise.all(every.map(async ({ id }) => [id, await stores.fleet.findConnection(id, everything)] as const)),
    );
    expect(every).toHaveLength(25);
    for (const reach of reaches) {
      for (const organizationId of [undefined, 'big', 'org-4']) {
        for (const provider of [undefined, 'google']) {
          for (const status of [undefined, 'waiting_callback', 'failed', 'not_connected', 'completed'] as const) {
            for (const q of [undefined, 'GOO']) {
              const given = { organizationId, provider, status, q };
              const filters = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
              const expected = every.filter(({ id, owner, status: seen }) => {
                const connection = details.get(id)?.connection;
                return (
                  canReach(reach, owner) &&
                  (organizationId ?? owner) === owner &&
                  (provider ?? connection?.settings.provider) === connection?.settings.provider &&
                  (status ?? seen) === seen &&
                  (q === undefined || connection?.name.includes(q.toLowerCase()) === true)
                );
              });
              const found = await walkConnections({ reach, ...filters }, 4);
              expect(found.map(({ id }) => id).sort(), JSON.stringify({ reach, filters })).toEqual(
                expected.map(({ id }) => id).sort(),
              );
            }
          }
        }
      }
    }
  });

  test('the status is the one that the owner sees', async () => {
    for (const { id, owner } of await walkConnections({ reach: everything }, 200)) {
      const record = await stores.fleet.findConnection(id, everything);
      const seen = await stores.database.read(owner).connections.findOwn(record?.connection.name ?? '');
      expect(record).toEqual(seen);
    }
  });
});
