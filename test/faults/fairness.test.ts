import { afterEach, expect, test } from 'vitest';
import { insertDueGrants } from '../support/faults/due-grants.ts';
import { type HeldProvider, startHeldProvider } from '../support/faults/held-provider.ts';
import { type FaultWorld, openFaultWorld, type Service } from '../support/faults/world.ts';

let world: FaultWorld | undefined;
let provider: HeldProvider | undefined;
afterEach(async () => {
  await world?.close();
  await provider?.close();
});

const patience = { timeout: 180_000, interval: 200 };
/** Places for concurrent refreshes of one organisation: a quarter of the 100 places of a process. */
const placesOfOne = 25;
/** Grants that a sweep deals to one organisation before it turns to the next. */
const turn = 100;
/** Longest limits that the configuration accepts: no call to the provider ends during the test. */
const endless = { PROVIDER_TIMEOUT_MS: '600000', PROVIDER_CALL_CAP_MS: '600000' };

/** Inserts due grants of four organisations. Returns the refresh tokens of each. The order is the order of expiry. */
async function insertNeighbours(world: FaultWorld, api: Service, { origin, hold }: HeldProvider) {
  const insert = async (organization: string, connection: string, count: number) =>
    insertDueGrants(world, { name: connection }, count, organization);

  await createConnection(api, 'shared', `${origin}/shared`);
  const stuck = await insert('stuck', 'shared', 20);
  // Each endpoint limits its own calls. On many endpoints, only the organisation's share of the places limits them.
  for (let index = 0; index < 19; index++) {
    const name = `stuck-${index}`;
    await createConnection(api, name, `${origin}/${name}`, 'stuck');
    stuck.push(...(await insert('stuck', name, 20)));
  }
  hold(stuck);
  await createConnection(api, 'large', `${origin}/large`, 'large');
  const large = await insert('large', 'large', 2_000);
  const sharing = await insert('sharing', 'shared', 40);
  await createConnection(api, 'small', `${origin}/small`, 'small');
  const small = await insert('small', 'small', 5);
  return { stuck, large, sharing, small };
}

async function createConnection({ api }: Service, name: string, tokenUrl: string, organization?: string) {
  const { status, text } = await api.call('POST', '/connections', {
    organization,
    body: {
      connection_name: name,
      client_id: 'client',
      client_secret: 'secret',
      authorization_url: `${new URL(tokenUrl).origin}/authorize`,
      token_url: tokenUrl,
    },
  });
  expect(status, text).toBe(201);
}

/** Counts the grants of each organisation that are not refreshed. */
async function countExpired(world: FaultWorld): Promise<Record<string, number>> {
  const rows = await world.sql<{ organization: string; count: number }>(
    `select organization_id as organization, (count(*) filter (where expires_at < now()))::int as count
     from grants group by 1`,
  );
  return Object.fromEntries(rows.map(({ organization, count }) => [organization, count]));
}

test.for<[name: string, redisUrl?: null]>([['Redis'], ['Postgres', null]])(
  'with the queue on %s, an organisation whose 400 calls get no response and one with 2,000 due grants hold up no other',
  async ([, redisUrl]) => {
    provider = await startHeldProvider();
    world = await openFaultWorld({ env: endless, ...(redisUrl === null && { redisUrl }) });
    await world.migrate();
    const api = await world.start({ env: { ROLE: 'api' } });
    const { stuck, large, sharing, small } = await insertNeighbours(world, api, provider);

    await world.start({ env: { ROLE: 'worker', DATABASE_POOL_MAX: '40' } });
    await expect
      .poll(() => world && countExpired(world), patience)
      .toEqual({ stuck: stuck.length, large: 0, sharing: 0, small: 0 });
    expect(provider.open(), 'calls of the stuck organisation').toBe(placesOfOne);
    expect(provider.mostOpen()).toBe(placesOfOne);

    const { arrivals } = provider;
    const ofSmall = new Set(small);
    const before = arrivals.slice(
      0,
      arrivals.findLastIndex((token) => ofSmall.has(token)),
    );
    // One turn of each other organisation, as far as it has that many grants.
    const ahead = placesOfOne + turn + sharing.length;
    expect(before.filter((token) => !ofSmall.has(token)).length).toBeLessThanOrEqual(ahead);

    provider.release();
    await expect.poll(() => world && countExpired(world), patience).toMatchObject({ stuck: 0 });
    expect([...arrivals].sort()).toEqual([...stuck, ...large, ...sharing, ...small].sort());
  },
);
