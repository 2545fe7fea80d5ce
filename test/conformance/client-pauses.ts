import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/domain/connections/connection.ts';
import { type ClientPauseRule, clientPauseRule } from '../../src/domain/grants/client-pause.ts';
import { aConnection } from '../support/builders/connection.ts';
import { anArrival, tokensUntil } from '../support/builders/grant.ts';
import { anEvent } from '../support/builders/refreshed.ts';
import { storeConnection, storeGrant } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

/** Long enough that no test outlives a pause. */
const rule = clientPauseRule;
/** Short enough that a test waits for the end of each pause. */
const brief: ClientPauseRule = { ...rule, firstMs: 20, maxMs: 80 };
const probeMs = 60_000;

export function describeClientPauses(open: OpenStores): void {
  describe('RefreshStore, refusals of a client', () => {
    let stores: OpenedStores;
    let connection: Connection;
    let grants: string[] = [];
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(async () => {
      connection = await storeConnection(stores, aConnection(null, `refused-${++sequence}`));
      grants = [await storeGrant(stores, 'acme', connection), await storeGrant(stores, 'other', connection)];
    });

    const refuse = async (indexes: number[], by = rule) => {
      for (const index of indexes)
        await stores.refreshes.countClientRefusal({ id: grants[index] ?? '', connectionId: connection.id }, by);
    };
    const probe = () => stores.refreshes.takeClientProbe(connection.id, probeMs);
    const isPaused = async () => (await probe()) !== undefined;
    const pausedForMs = async () => ((await probe())?.getTime() ?? 0) - Date.now();
    async function leased(index = 0) {
      const found = await stores.refreshes.acquire(grants[index] ?? '', 'a', 1000);
      if (found === undefined) throw new Error('the lease is taken');
      await stores.refreshes.release(found, 'a');
      return found;
    }

    test('three refusals from two grants pause the connection for a minute', async () => {
      await refuse([0, 1]);
      expect(await isPaused()).toBe(false);
      expect((await leased()).clientPaused).toBe(false);
      await refuse([0]);
      expect(await pausedForMs()).toBeGreaterThan(55_000);
      expect(await pausedForMs()).toBeLessThanOrEqual(61_000);
      expect((await leased()).clientPaused).toBe(true);
    });

    test('refusals of one grant among several pause nothing, however many', async () => {
      await refuse([0, 0, 0, 0, 0, 0]);
      expect(await isPaused()).toBe(false);
      await refuse([1]);
      expect(await isPaused()).toBe(true);
    });

    test('refusals of one organisation pause nothing while another has a grant, however many of its grants see them', async () => {
      for (const subject of ['ann', 'bob', 'cleo'])
        grants.push(await storeGrant(stores, 'acme', connection, { subject }));
      await refuse([0, 2, 3, 4, 0, 2, 3, 4]);
      expect(await isPaused()).toBe(false);
      await refuse([1]);
      expect(await isPaused()).toBe(true);
    });

    test('refusals of the only organisation with grants pause its connection, own or global', async () => {
      await stores.database.write('other', (all) => all.grants.delete(grants[1] ?? ''));
      grants[1] = await storeGrant(stores, 'acme', connection, { subject: 'ann' });
      await refuse([0, 1, 0]);
      expect(await isPaused()).toBe(true);
      connection = await storeConnection(stores, aConnection('acme', `own-${sequence}`));
      grants = [
        await storeGrant(stores, 'acme', connection),
        await storeGrant(stores, 'acme', connection, { subject: 'ann' }),
      ];
      await refuse([0, 1, 0]);
      expect(await isPaused()).toBe(true);
    });

    test('three refusals of the only grant pause the connection', async () => {
      await stores.database.write('other', (all) => all.grants.delete(grants[1] ?? ''));
      await refuse([0, 0, 0]);
      expect(await isPaused()).toBe(true);
    });

    test('a refusal counts for its own connection alone', async () => {
      const bystander = await storeConnection(stores, aConnection('acme', `bystander-${sequence}`));
      await refuse([0, 1, 0]);
      expect(await stores.refreshes.takeClientProbe(bystander.id, probeMs)).toBeUndefined();
    });

    test('a pause ends by itself; then one call at a time tests the client', async () => {
      await refuse([0, 1, 0], brief);
      await expect.poll(isPaused, { interval: 10 }).toBe(false);
      expect(await pausedForMs()).toBeGreaterThan(probeMs - 5000);
      expect(await isPaused()).toBe(true);
    });

    test('of many calls at the end of a pause one is made', async () => {
      await refuse([0, 1, 0], brief);
      await sleep(50);
      const results = await Promise.all(Array.from({ length: 20 }, probe));
      expect(results.filter((until) => until === undefined)).toHaveLength(1);
    });

    test('a test that is never heard of again is made anew', async () => {
      await refuse([0, 1, 0], brief);
      await sleep(50);
      const shortProbe = () => stores.refreshes.takeClientProbe(connection.id, 20);
      expect(await shortProbe()).toBeUndefined();
      expect(await shortProbe()).toBeDefined();
      await sleep(50);
      expect(await shortProbe()).toBeUndefined();
    });

    test('each refused test doubles the pause, up to the longest; a refusal during a pause does not', async () => {
      const rules = { ...rule, firstMs: 10_000, maxMs: 30_000 };
      await refuse([0, 1, 0], { ...rules, firstMs: 1 });
      const lengths: number[] = [];
      for (let tests = 0; tests < 3; tests += 1) {
        await sleep(20);
        await refuse([0], { ...rules, maxMs: 1 });
      }
      await sleep(20);
      await refuse([1], rules);
      lengths.push(await pausedForMs());
      await refuse([1], rules);
      lengths.push(await pausedForMs());
      for (const length of lengths) expect(Math.round(length / 1000)).toBe(30);
    });

    test.each<[string, () => Promise<unknown>]>([
      [
        'a saved refresh',
        async () => {
          const { grant } = await leased(1);
          await stores.refreshes.save(grant, 'a', tokensUntil(null), anEvent(connection, grant.id));
        },
      ],
      [
        'an edit of the connection',
        () =>
          stores.database.write(null, (all) =>
            all.connections.update({
              ...connection,
              revision: 2,
              settings: { ...connection.settings, description: 'x' },
            }),
          ),
      ],
      [
        'a client secret that is sent again',
        () => stores.database.write(null, (all) => all.grants.liftClientRejection(connection.id, new Date())),
      ],
      [
        'a new authorization',
        () => stores.database.write('acme', (all) => all.grants.replace(grants[0] ?? '', anArrival(connection))),
      ],
      ['a refresh on demand', () => stores.refreshes.liftClientPause(connection.id)],
    ])('%s lifts the pause at once and forgets the refusals', async (_, lift) => {
      await refuse([0, 1, 0]);
      expect(await isPaused()).toBe(true);
      await lift();
      expect(await isPaused()).toBe(false);
      expect((await leased()).clientPaused).toBe(false);
      await refuse([0, 1]);
      expect(await isPaused()).toBe(false);
    });

    test('an edit by another organisation lifts nothing', async () => {
      await refuse([0, 1, 0]);
      await stores.database.write('acme', async (all) => {
        await all.connections.update({ ...connection, revision: 2 });
        await all.grants.liftClientRejection(connection.id, new Date());
      });
      expect(await isPaused()).toBe(true);
    });

    test('refusals that are counted at once all count, and a deleted connection counts none', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, at) => refuse([at % 2])));
      expect(await pausedForMs()).toBeLessThanOrEqual(61_000);
      await stores.database.write(null, (all) => all.connections.delete(connection.id));
      await refuse([0, 1, 0]);
      expect(await isPaused()).toBe(false);
    });
  });
}
