import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, connect, type TestConnection } from './connections.ts';
import { describeOnBothStacks } from './stack.ts';
import { openWorld, type World } from './world.ts';

describeOnBothStacks('connections of organisations and of the global scope', (openStack) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(openStack);
  });
  afterAll(() => world?.close());

  const fetchFor = (connection: TestConnection, organization?: string) =>
    world.api.get(connection.credential, { organization });

  test('an organisation without its own connection is served the global one', async () => {
    const connection = await addConnection(world);
    await connect(world, connection, 'ada');
    const { status, body } = await fetchFor(connection, 'acme');
    expect(status).toBe(200);
    expect(body).toMatchObject({ organization_id: null, grant_organization_id: null });
    expect(await world.provider.accepts(body.access_token)).toBe(true);
  });

  test('an organisation that authorized a global connection is served its own grant, and others the shared one', async () => {
    const connection = await addConnection(world);
    await connect(world, connection, 'ada');
    await connect(world, connection, 'grace', 'acme');
    const { body: own } = await fetchFor(connection, 'acme');
    const { body: shared } = await fetchFor(connection, 'globex');
    expect(own).toMatchObject({ organization_id: null, grant_organization_id: 'acme' });
    expect(shared).toMatchObject({ grant_organization_id: null });
    expect(own.access_token).not.toBe(shared.access_token);
    expect((await fetchFor(connection)).body.access_token).toBe(shared.access_token);
  });

  test("an organisation's revocation on a global connection ends its own grant only", async () => {
    const connection = await addConnection(world);
    await connect(world, connection, 'ada');
    await connect(world, connection, 'grace', 'acme');
    const { access_token: own } = (await fetchFor(connection, 'acme')).body;
    const { status } = await world.api.post(`${connection.path}/revoke`, undefined, { organization: 'acme' });
    expect(status).toBe(200);
    expect(await world.provider.accepts(own)).toBe(false);
    expect(await fetchFor(connection, 'acme')).toMatchObject({
      status: 503,
      body: { code: 'connection_not_ready', status_reason: 'revoked' },
    });
    expect((await fetchFor(connection, 'globex')).status).toBe(200);
  });

  test("an organisation's own connection that is not ready never falls back to the global one", async () => {
    const global = await addConnection(world);
    await connect(world, global, 'ada');
    await addConnection(world, { organization: 'initech', body: { connection_name: global.name } });
    expect(await fetchFor(global, 'initech')).toMatchObject({ status: 503, body: { code: 'connection_not_ready' } });
  });

  test('a grant of a connection with share_with_organizations false is served to the global scope only', async () => {
    const connection = await addConnection(world, { body: { share_with_organizations: false } });
    await connect(world, connection, 'ada');
    expect((await fetchFor(connection)).status).toBe(200);
    expect(await fetchFor(connection, 'acme')).toMatchObject({ status: 503, body: { code: 'connection_not_ready' } });
  });
});
