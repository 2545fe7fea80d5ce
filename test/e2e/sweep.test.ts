import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, importGrant, type TestConnection } from './connections.ts';
import { describeOnBothStacks } from './stack.ts';
import { openWorld, type World } from './world.ts';

const hour = 3600;
const patience = { timeout: 25_000, interval: 100 };

describeOnBothStacks('the sweep', (openStack) => {
  let world: World;
  beforeAll(async () => {
    // Only the API: nothing sweeps before the grants of the test are there.
    world = await openWorld(openStack, { ROLE: 'api' });
  });
  afterAll(() => world?.close());

  test('refreshes what expires in three hours, leaves what expires in five, and one failure stops nothing', async () => {
    const dueSoon = await addConnection(world);
    const dueLater = await addConnection(world);
    const dead = await addConnection(world);
    const died = await importGrant(world, dead, 2 * hour);
    world.provider.forgetRefreshTokens();
    const soon = await importGrant(world, dueSoon, 3 * hour);
    const later = await importGrant(world, dueLater, 5 * hour);
    // Grants just obtained are left alone, so that a restart makes no storm; these have been there for a while.
    await world.stack.sql("update grants set obtained_at = now() - interval '1 hour'");

    await world.restart({ ROLE: 'all' });
    await expect
      .poll(async () => (await world.api.get(dueSoon.path)).body, patience)
      .toMatchObject({ status: 'completed', last_refresh_at: expect.any(String) });
    await expect
      .poll(async () => (await world.api.get(dead.path)).body, patience)
      .toMatchObject({ status: 'failed', status_reason: 'reauthorization_required' });

    expect((await world.api.get(dueSoon.credential)).body.access_token).not.toBe(soon.accessToken);
    expect((await world.api.get(dueLater.credential)).body.access_token).toBe(later.accessToken);
    expect((await world.api.get(dueLater.path)).body.last_refresh_at).toBeNull();
    expect(requestsOf(dueSoon)).toBe(1);
    expect(requestsOf(dueLater)).toBe(0);
    // What has life left is served although nothing can renew it.
    expect(await world.api.get(dead.credential)).toMatchObject({
      status: 200,
      body: { access_token: died.accessToken, status: 'failed', status_reason: 'reauthorization_required' },
    });
  });

  function requestsOf({ clientId }: TestConnection): number {
    return world.provider.tokenRequests.filter((request) => request.clientId === clientId).length;
  }
});
