import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Connection } from '../../../src/domain/connection.ts';
import {
  aConnection,
  anEvent,
  minutesFromNow,
  openTestStores,
  storeConnection,
  storeGrant,
  type TestStores,
} from '../../support/postgres-fixtures.ts';

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
  for (let after: string | null = null; ; ) {
    const page = await stores.health.unchecked({ since, providers: ['github'], after, limit });
    found.push(...page.map(({ grant }) => grant.id));
    after = page.at(-1)?.grant.id ?? null;
    if (after === null) return found;
  }
}

async function fail(id: string): Promise<void> {
  const leased = await stores.refreshes.acquire(id, 'a', 45_000);
  if (leased === undefined) throw new Error('taken');
  const failure = { failed: 'reauthorization_required', message: 'No.', retryAt: null, keepIntent: false } as const;
  await stores.refreshes.fail(leased, 'a', failure, anEvent(probed, id));
}

test('grants that can be probed are found over pages, once in an interval, and failed ones once', async () => {
  const byTemplate = await storeGrant(stores, 'acme', probed);
  const byOwnUrl = await storeGrant(stores, 'other', ownProbe);
  const failed = await storeGrant(stores, 'acme', unprobed, { subject: 's' });
  await storeGrant(stores, 'acme', unprobed);
  await fail(failed);

  expect(await unchecked(minutesFromNow(-30), 1)).toEqual([byTemplate, byOwnUrl, failed].toSorted());
  expect(
    (await stores.health.unchecked({ since: new Date(), providers: ['github'], after: null, limit: 1 }))[0],
  ).toMatchObject({
    grant: { id: byTemplate, status: 'completed' },
    connection: { id: probed.id, name: 'probed' },
  });

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
  // A completed grant that fails afterwards has that on record at the next check, however recent the last one.
  await fail(byTemplate);
  expect(await unchecked()).toEqual([byTemplate]);
});

test('what was said of a token set that has been replaced is not recorded', async () => {
  const id = await storeGrant(stores, 'acme', probed, { subject: 'moved' });
  await stores.health.record([{ grantId: id, version: 7, health: 'unhealthy', error: 'rejected: 401' }], new Date());
  expect((await stores.refreshes.find(id))?.grant).toMatchObject({ health: null, healthError: null });
});
