import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Connection } from '../../../../src/domain/connections/connection.ts';
import type { Health } from '../../../../src/domain/grants/grant.ts';
import type { HealthStore } from '../../../../src/domain/ports/maintenance/health.ts';
import type { SweepCursor } from '../../../../src/domain/ports/maintenance/lanes.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { minutesFromNow } from '../../../support/builders/grant.ts';
import { anEvent } from '../../../support/builders/refreshed.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let probed: Connection;
let ownProbe: Connection;
let unprobed: Connection;
beforeAll(async () => {
  stores = await openTestStores();
  probed = await storeConnection(stores, aConnection('acme', 'probed', { provider: 'github' }));
  ownProbe = await storeConnection(stores, aConnection('acme', 'own', { testUrl: 'https://provider.example/me' }));
  unprobed = await storeConnection(stores, aConnection('acme', 'unprobed'));
});
afterAll(() => stores.end());

async function unchecked(since = minutesFromNow(-30), limit = 100): Promise<string[]> {
  const found: string[] = [];
  const query = { since, providers: ['github'] };
  for (const lane of await stores.health.lanes(query)) {
    let after: SweepCursor | null = null;
    do {
      const page: Awaited<ReturnType<HealthStore['unchecked']>> = await stores.health.unchecked(query, lane, {
        after,
        limit,
      });
      found.push(...(page?.grants ?? []).map(({ id }) => id));
      after = page?.next ?? null;
    } while (after !== null);
  }
  return found.toSorted();
}

async function fail(id: string): Promise<void> {
  const leased = await stores.refreshes.acquire(id, 'a', 45_000);
  if (leased === undefined) throw new Error('the lease is taken');
  const failure = { failed: 'reauthorization_required', message: 'No.', retryAt: null, keepIntent: false } as const;
  await stores.refreshes.fail(leased, 'a', failure, anEvent(probed, id));
}

test('a health check finds grants that can be probed once per interval over all pages, and failed grants once', async () => {
  const byTemplate = await storeGrant(stores, 'acme', probed);
  const byOwnUrl = await storeGrant(stores, 'other', ownProbe);
  const failed = await storeGrant(stores, 'acme', unprobed, { subject: 's' });
  await storeGrant(stores, 'acme', unprobed);
  await fail(failed);

  expect(await unchecked(minutesFromNow(-30), 1)).toEqual([byTemplate, byOwnUrl, failed].toSorted());
  const query = { since: new Date(), providers: ['github'] };
  const lane = { organizationId: 'acme', connectionId: probed.id };
  expect(await stores.health.lanes(query)).toContainEqual(lane);
  expect(await stores.health.unchecked(query, lane, { after: null, limit: 10 })).toMatchObject({
    grants: [{ id: byTemplate, status: 'completed' }],
    connection: { id: probed.id, name: 'probed' },
    next: null,
  });
  expect(await stores.health.unchecked(query, { ...lane, connectionId: byTemplate }, { after: null, limit: 1 })).toBe(
    undefined,
  );

  await stores.health.record(
    [
      { grantId: byTemplate, version: 1, health: 'healthy', error: null },
      { grantId: byOwnUrl, version: 1, health: 'unhealthy', error: 'unreachable: reset' },
      { grantId: failed, version: 1, health: 'unhealthy', error: 'failed: reauthorization_required' },
    ],
    new Date(),
  );
  expect(await unchecked()).toEqual([]);
  expect(await unchecked(minutesFromNow(1))).toEqual([byTemplate, byOwnUrl].toSorted());
  expect((await stores.refreshes.find(byOwnUrl))?.grant).toMatchObject({
    status: 'completed',
    health: 'unhealthy',
    healthError: 'unreachable: reset',
    version: 1,
  });
  // A grant that fails after its check is found again, however recent that check is.
  await fail(byTemplate);
  expect(await unchecked()).toEqual([byTemplate]);
});

test('the health of a replaced token set is not recorded', async () => {
  const id = await storeGrant(stores, 'acme', probed, { subject: 'moved' });
  await stores.health.record([{ grantId: id, version: 7, health: 'unhealthy', error: 'rejected: 401' }], new Date());
  expect((await stores.refreshes.find(id))?.grant).toMatchObject({ health: null, healthError: null });
});

test('a record returns the verdicts that it replaced by different ones, each to one of several concurrent calls', async () => {
  const id = await storeGrant(stores, 'acme', probed, { subject: 'changing' });
  const record = (health: Health, error: string | null) =>
    stores.health.record([{ grantId: id, version: 1, health, error }], new Date());
  const replacedBy = async (health: Health, error: string | null) =>
    (await Promise.all(Array.from({ length: 8 }, () => record(health, error)))).flat();
  expect(await replacedBy('unhealthy', 'rejected: 401')).toEqual([{ grantId: id, health: null, error: null }]);
  expect(await replacedBy('unhealthy', 'rejected: 401')).toEqual([]);
  expect(await replacedBy('healthy', null)).toEqual([{ grantId: id, health: 'unhealthy', error: 'rejected: 401' }]);
  expect(await replacedBy('healthy', null)).toEqual([]);
  expect(await stores.health.record([], new Date())).toEqual([]);
});
