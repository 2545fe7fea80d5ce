import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newId } from '../../../../src/crypto/tokens.ts';
import type { Connection, OrganizationId } from '../../../../src/domain/connections/connection.ts';
import type { ClaimedRun, HealthLane } from '../../../../src/domain/ports/maintenance/health-runs.ts';
import { createKysely } from '../../../../src/postgres/database.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let run: (statement: string) => Promise<unknown>;
let end: () => Promise<void>;
const connections: Connection[] = [];
beforeAll(async () => {
  stores = await openTestStores();
  const pool = createPool({ connectionString: stores.url, poolMax: 2, onError: () => {} });
  run = (statement) => pool.query(statement);
  end = () => pool.end();
  createKysely(pool);
  for (const owner of [null, 'acme', 'other']) {
    const connection = await storeConnection(stores, aConnection(owner, 'crm'));
    connections.push(connection);
    for (const subject of ['ada', 'bob', 'cy']) await storeGrant(stores, owner, connection, { subject });
  }
  const [global] = connections;
  if (global !== undefined) await storeGrant(stores, 'acme', global, { subject: 'ada' });
});
afterAll(async () => {
  await end?.();
  await stores?.end();
});
beforeEach(async () => {
  await run('delete from health_runs; delete from health_run_lanes');
});

const silence = () => run("update health_runs set seen_at = seen_at - interval '31 seconds' where seen_at is not null");

async function begin(): Promise<ClaimedRun> {
  await stores.healthRuns.request(newId());
  return claim();
}

async function claim(): Promise<ClaimedRun> {
  const result = await stores.healthRuns.claim(newId());
  if (result.kind !== 'claimed') throw new Error(`The run is ${result.kind}.`);
  return result.run;
}

async function listAll(claimed: ClaimedRun): Promise<void> {
  while (await stores.healthRuns.listLanes(claimed));
}

const next = (claimed: ClaimedRun, behind?: OrganizationId, busy: OrganizationId[] = []) =>
  stores.healthRuns.nextLane(claimed, { behind, busy });

async function taken(claimed: ClaimedRun): Promise<HealthLane> {
  const lane = await next(claimed);
  if (lane === undefined) throw new Error('No lane is left.');
  return lane;
}

describe('the check of all grants', () => {
  test('of many requests at the same moment one adds a run, and all return it', async () => {
    const requests = await Promise.all(Array.from({ length: 10 }, () => stores.healthRuns.request(newId())));
    expect(new Set(requests.map((request) => request.run.id)).size).toBe(1);
    expect(requests.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(await stores.healthRuns.last()).toEqual(requests[0]?.run);
    expect(await stores.healthRuns.isWaiting()).toBe(true);
  });

  test('of many processes one claims it, and another one only after a silence of half a minute', async () => {
    expect(await stores.healthRuns.claim(newId())).toEqual({ kind: 'none' });
    await stores.healthRuns.request(newId());
    const claims = await Promise.all(Array.from({ length: 10 }, () => stores.healthRuns.claim(newId())));
    expect(claims.map(({ kind }) => kind).sort()).toEqual(['claimed', ...Array(9).fill('taken')]);
    expect(await stores.healthRuns.last()).toMatchObject({ isRunning: true, total: 10 });
    expect(await stores.healthRuns.isWaiting()).toBe(false);
    await silence();
    expect(await stores.healthRuns.isWaiting()).toBe(true);
    const { startedAt } = (await stores.healthRuns.last()) ?? {};
    await claim();
    expect(await stores.healthRuns.last()).toMatchObject({ startedAt, isRunning: true });
  });

  test('a process that lost the run records nothing, lists nothing and does not end it', async () => {
    const lost = await begin();
    await listAll(lost);
    const lane = await taken(lost);
    const page = await stores.healthRuns.grantsOf(lane, 10);
    await silence();
    const own = await claim();
    const records = (page?.grants ?? []).map(({ id, version }) => ({
      grantId: id,
      version,
      health: 'unhealthy' as const,
      error: 'rejected: late',
    }));
    expect(records.length).toBeGreaterThan(0);
    expect(await stores.healthRuns.recordTurn(lost, lane, { next: null, records, skipped: 1 }, new Date())).toBe(
      undefined,
    );
    expect(await stores.healthRuns.keep(lost)).toBe(false);
    expect(await stores.healthRuns.finish(lost)).toBeNull();
    await stores.healthRuns.release(lost);
    expect(await stores.healthRuns.last()).toMatchObject({ isRunning: true, unhealthy: 0, skipped: 0 });
    expect(await stores.healthCounts.read({ organizations: '*', global: true })).toMatchObject({ unhealthy: 0 });
    expect(await taken(own)).toEqual(lane);
  });

  test('a run that is given up keeps its progress, and another process claims it at once', async () => {
    const first = await begin();
    await listAll(first);
    const lane = await taken(first);
    await stores.healthRuns.recordTurn(first, lane, { next: null, records: [], skipped: 3 }, new Date());
    await stores.healthRuns.release(first);
    const second = await claim();
    await listAll(second);
    expect(await stores.healthRuns.last()).toMatchObject({ skipped: 3 });
    const { connectionId, organizationId } = await taken(second);
    expect([connectionId, organizationId]).not.toEqual([lane.connectionId, lane.organizationId]);
    expect(await stores.healthRuns.finish(second)).toMatchObject({ skipped: 3, isRunning: false });
    expect((await stores.healthRuns.request(newId())).isNew).toBe(true);
  });

  test('its lanes come in turns by owner, and of each owner the lane with the fewest turns first', async () => {
    const claimed = await begin();
    await listAll(claimed);
    const first = await next(claimed);
    expect(first).toMatchObject({ organizationId: null, turn: 0, after: null });
    const second = await next(claimed, null);
    expect(second).toMatchObject({ organizationId: 'acme' });
    expect(await next(claimed, 'acme')).toMatchObject({ organizationId: 'other' });
    expect(await next(claimed, 'other')).toMatchObject({ organizationId: null });
    expect(await next(claimed, 'other', [null])).toMatchObject({ organizationId: 'acme' });
    expect(await next(claimed, null, [null, 'acme', 'other'])).toBeUndefined();
    if (second === undefined) throw new Error('acme has no lane');
    const page = await stores.healthRuns.grantsOf(second, 1);
    expect(page?.next).not.toBeNull();
    await stores.healthRuns.recordTurn(
      claimed,
      second,
      { next: page?.next ?? null, records: [], skipped: 1 },
      new Date(),
    );
    const other = await next(claimed, null);
    expect(other).toMatchObject({ organizationId: 'acme', turn: 0 });
    expect(other?.connectionId).not.toBe(second.connectionId);
  });

  test('the pages of all lanes hold each grant once, and the lane of a deleted connection is empty', async () => {
    const claimed = await begin();
    await listAll(claimed);
    const seen: string[] = [];
    for (let lane = await next(claimed); lane !== undefined; lane = await next(claimed, lane.organizationId)) {
      const page = await stores.healthRuns.grantsOf(lane, 2);
      seen.push(...(page?.grants ?? []).map(({ id }) => id));
      await stores.healthRuns.recordTurn(
        claimed,
        lane,
        { next: page?.next ?? null, records: [], skipped: 0 },
        new Date(),
      );
    }
    expect(seen).toHaveLength(10);
    expect(new Set(seen).size).toBe(10);
    const gone = { organizationId: null, connectionId: newId(), turn: 0, after: null };
    expect(await stores.healthRuns.grantsOf(gone, 2)).toBeUndefined();
  });
});
