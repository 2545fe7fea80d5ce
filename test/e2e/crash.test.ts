import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, connect, importGrant, startAuthorization, walkToCallback } from './connections.ts';
import { describeOnBothStacks } from './stack.ts';
import { openWorld, type World } from './world.ts';

describeOnBothStacks('after SIGKILL', (openStack) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(openStack);
  });
  afterAll(() => world?.close());

  test('a service killed with SIGKILL starts again and serves the same token', async () => {
    const connection = await addConnection(world);
    await connect(world, connection, 'ada');
    const { access_token: token } = (await world.api.get(connection.credential)).body;
    await world.broker.kill();
    await world.restart();
    expect(await world.api.get(connection.credential)).toMatchObject({ status: 200, body: { access_token: token } });
    expect((await world.api.post(`${connection.path}/refresh`)).status).toBe(200);
  });

  test('an authorization pending during SIGKILL can be completed after the restart', async () => {
    const connection = await addConnection(world);
    const { browser, callback } = await walkToCallback(await startAuthorization(world, connection));
    await world.broker.kill();
    await world.restart();
    expect((await browser.send('GET', callback)).status).toBe(200);
    expect((await world.api.get(connection.credential)).status).toBe(200);
  });

  test('a service killed during reads and refreshes loses no grant', async () => {
    const connection = await addConnection(world);
    await importGrant(world, connection, -60);
    expect((await world.api.get(connection.credential)).status).toBe(200);
    const reads = Array.from({ length: 30 }, () => world.api.get(connection.credential).catch(() => undefined));
    await world.broker.kill();
    await Promise.all(reads);
    await world.restart();
    const { status, body } = await world.api.get(connection.credential);
    expect(status).toBe(200);
    expect(await world.provider.accepts(body.access_token)).toBe(true);
  });

  test('SIGTERM ends the service with exit code 0, and it starts again in good health', async () => {
    expect(await world.broker.stop()).toBe(0);
    await world.restart();
    // The queue may connect later than the API: no request depends on it.
    await expect
      .poll(async () => (await world.api.get('/health')).body, { timeout: 20_000 })
      .toMatchObject({ status: 'ok' });
  });
});
