import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Connection } from '../../../../src/domain/connections/connection.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { minutesFromNow, tokensUntil } from '../../../support/builders/grant.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const grantCount = 25;
const schedule = { intervalMs: 30 * 60_000, windowMs: 240 * 60_000 };

let stores: TestStores;
let connection: Connection;
let sweepId: string;
const dueIds: string[] = [];
beforeAll(async () => {
  stores = await openTestStores();
  connection = await storeConnection(stores, aConnection('acme', 'sweep'));
  for (let minutes = 1; minutes <= grantCount; minutes++) {
    const tokens = tokensUntil(minutesFromNow(minutes));
    dueIds.push(await storeGrant(stores, 'acme', connection, { subject: `s${minutes}`, tokens }));
  }
  sweepId = v7();
  await stores.sweeps.collect(sweepId, {
    ...schedule,
    part: 'expiring',
    now: new Date(),
    limit: grantCount,
    after: null,
  });
});
afterAll(() => stores.end());

test.each([1, 3, 9, 10, 11, grantCount, 100])(
  'the due grants of a sweep are read in pages of %d, each grant once, earliest first',
  async (limit) => {
    const lane = { organizationId: 'acme', connectionId: connection.id, urgent: true };
    const found: string[] = [];
    let after: string | null = null;
    do {
      const page = await stores.sweeps.due(sweepId, lane, { after, limit });
      found.push(...page.grantIds);
      after = page.next;
    } while (after !== null);
    expect(found).toEqual(dueIds);
  },
);
