import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, importGrant, type TestConnection } from './connections.ts';
import { describeOnBothStacks } from './stack.ts';
import { openWorld, type World } from './world.ts';

const hourSeconds = 3600;
const patience = { timeout: 25_000, interval: 100 };

describeOnBothStacks('the sweep', (openStack) => {
  let world: World;
  beforeAll(async () => {
    // Runs the API only, so that no sweep starts before the grants of the test exist.
    world = await openWorld(openStack, { ROLE: 'api' });
  });
  afterAll(() => world?.close());

  test('a sweep refreshes a grant that expires in three hours, leaves one that expires in five, and continues after a failure', async () => {
    const dueSoon = await addConnection(world);
    const dueLater = await addConnection(world);
    const refused = await addConnection(world);
    const refusedGrant = await importGrant(world, refused, 2 * hourSeconds);
    world.provider.forgetRefreshTokens();
    const soon = await importGrant(world, dueSoon, 3 * hourSeconds);
    const later = await importGrant(world, dueLater, 5 * hourSeconds);
    // A sweep skips recently obtained grants, so that a restart causes no burst. These are an hour old.
    await world.stack.sql("update grants set obtained_at = now() - interval '1 hour'");

    await world.restart({ ROLE: 'all' });
    await expect
      .poll(async () => (await world.api.get(dueSoon.path)).body, patience)
      .toMatchObject({ status: 'completed', last_refresh_at: expect.any(String) });
    await expect
      .poll(async () => (await world.api.get(refused.path)).body, patience)
      .toMatchObject({ status: 'failed', status_reason: 'reauthorization_required' });

    expect((await world.api.get(dueSoon.credential)).body.access_token).not.toBe(soon.accessToken);
    expect((await world.api.get(dueLater.credential)).body.access_token).toBe(later.accessToken);
    expect((await world.api.get(dueLater.path)).body.last_refresh_at).toBeNull();
    expect(requestsOf(dueSoon)).toBe(1);
    expect(requestsOf(dueLater)).toBe(0);
    // A valid token is served although its grant can no longer be refreshed.
    expect(await world.api.get(refused.credential)).toMatchObject({
      status: 200,
      body: { access_token: refusedGrant.accessToken, status: 'failed', status_reason: 'reauthorization_required' },
    });
  });

  function requestsOf({ clientId }: TestConnection): number {
    return world.provider.tokenRequests.filter((request) => request.clientId === clientId).length;
  }
});
