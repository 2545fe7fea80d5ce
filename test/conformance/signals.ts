import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/domain/connections/connection.ts';
import type { GrantWatch } from '../../src/domain/ports/engine.ts';
import { aConnection } from '../support/builders/connection.ts';
import { tokensUntil } from '../support/builders/grant.ts';
import { anEvent } from '../support/builders/refreshed.ts';
import { storeConnection, storeGrant } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

/** Longer than any delivery takes, and shorter than the interval after which a watcher looks anyway. */
const atMostMs = 4_000;

export function describeSignals(open: OpenStores): void {
  describe('GrantSignals', () => {
    let stores: OpenedStores;
    let connection: Connection;
    let grantId: string;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(async () => {
      connection = await storeConnection(stores, aConnection('acme', `signals-${++sequence}`));
      grantId = await storeGrant(stores, 'acme', connection);
    });

    async function save(): Promise<void> {
      const leased = await stores.refreshes.acquire(grantId, 'a', 45_000);
      if (leased === undefined) throw new Error('the lease is taken');
      await stores.refreshes.save(leased.grant, 'a', tokensUntil(null), anEvent(connection, grantId));
    }
    const revoke = () =>
      stores.database.write('acme', ({ grants }) => grants.revoke(grantId, { by: 'a', reason: null, now: new Date() }));

    async function waitedMs(watch: GrantWatch, boundMs: number): Promise<number> {
      const from = performance.now();
      await watch.changed(boundMs);
      return performance.now() - from;
    }

    test.each([
      ['a saved refresh', save],
      ['a revocation', revoke],
    ])('%s wakes a watcher of the grant', async (_name, change) => {
      const watch = stores.signals.watch(grantId);
      const waited = waitedMs(watch, atMostMs);
      await change();
      expect(await waited).toBeLessThan(atMostMs - 1_000);
      watch.end();
    });

    test('a change between watch and changed is not missed', async () => {
      const watch = stores.signals.watch(grantId);
      await save();
      expect(await waitedMs(watch, atMostMs)).toBeLessThan(atMostMs - 1_000);
      watch.end();
    });

    test('without a change a watcher waits no longer than its bound', async () => {
      const watch = stores.signals.watch(connection.id);
      const waited = await waitedMs(watch, 50);
      expect(waited).toBeGreaterThanOrEqual(45);
      expect(waited).toBeLessThan(atMostMs);
      watch.end();
    });

    test('it tells how long it has missed nothing', () => {
      expect(stores.signals.connectedForMs()).toBeGreaterThan(0);
    });
  });
}
