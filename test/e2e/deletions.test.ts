import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, createApi } from '../support/http/broker-api.ts';
import { type BrokerProcess, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir, type DataDir } from '../support/processes/data-dir.ts';
import { describeWithRedis } from '../support/redis/database.ts';
import { addConnection, importGrant, type TestConnection } from './connections.ts';
import { openServers } from './stack.ts';
import { openWorld, testEnvironment, type World } from './world.ts';

describeWithRedis('deletions at two processes on one database', () => {
  let world: World;
  let second: BrokerProcess;
  let dataDir: DataDir;
  let api: Api;
  let database: Client;
  beforeAll(async () => {
    world = await openWorld(openServers);
    dataDir = createDataDir();
    const env = { ...testEnvironment, ...world.stack.env, PUBLIC_URL: world.broker.url };
    second = await startBroker({ dataDir: dataDir.path, env });
    api = createApi(second.url, world.stack.adminKey());
    database = new Client({ connectionString: world.stack.env.DATABASE_URL });
    await database.connect();
  });
  afterAll(async () => {
    await database?.end();
    await second?.stop();
    await dataDir?.remove();
    await world?.close();
  });

  const pending = async () =>
    (await database.query<{ attempts: number }>('select attempts from pending_revocations order by id')).rows;
  const confirmed = ({ path }: TestConnection) => `${path}?confirm_disable_workflows=true`;

  test('a provider that is down during a deletion gets the revocation in a later run, once it is back', async () => {
    const connection = await addConnection(world);
    const { accessToken } = await importGrant(world, connection, 3600);
    await world.provider.setOutage('unavailable');
    expect((await world.api.delete(connection.path)).status).toBe(200);
    expect(await pending()).toEqual([{ attempts: 1 }]);
    expect((await api.get(connection.credential)).status).toBe(404);
    await world.provider.setOutage('none');
    expect(await world.provider.accepts(accessToken)).toBe(true);
    // Its next attempt is due, as it is after a minute.
    await database.query('update pending_revocations set next_try_at = now()');
    await expect.poll(pending, { timeout: 90_000, interval: 500 }).toEqual([]);
    expect(await world.provider.accepts(accessToken)).toBe(false);
    const { body } = await api.get(`/admin/audit-events?connection_name=${connection.name}&limit=1`);
    expect(body.audit_events).toMatchObject([{ action: 'grant.revoked_at_provider', outcome: 'success' }]);
  }, 120_000);

  test('a workflow whose connection is deleted is refused at every process, also with the credential in memory', async () => {
    const connection = await addConnection(world);
    await importGrant(world, connection, 3600);
    const headers = { 'x-workflow-id': 'deleted-under-it' };
    await world.api.post('/workflows/deleted-under-it/dependencies', { connection_name: connection.name });
    for (const at of [world.api, api]) expect((await at.get(connection.credential, { headers })).status).toBe(200);
    expect((await api.delete(connection.path)).body).toMatchObject({ code: 'dependent_workflows' });
    expect((await api.delete(confirmed(connection))).status).toBe(200);
    const refused = { status: 403, body: { code: 'workflow_disabled', connection_name: connection.name } };
    expect(await api.get(connection.credential, { headers })).toMatchObject(refused);
    // The notification is on its way: the database sent it with the commit.
    await expect.poll(() => world.api.get(connection.credential, { headers })).toMatchObject(refused);
  });

  test('of deletions, revocations, registrations and imports at once, each takes effect as a whole or not at all', async () => {
    for (let round = 0; round < 10; round++) {
      const connection = await addConnection(world);
      const { accessToken } = await importGrant(world, connection, 3600);
      const workflow = `raced-${round}`;
      const [deleted, deletedToo, , registered] = await Promise.all([
        world.api.delete(confirmed(connection)),
        api.delete(confirmed(connection)),
        api.post(`${connection.path}/revoke`),
        world.api.post(`/workflows/${workflow}/dependencies`, { connection_name: connection.name }),
        // Imports for another subject: an import replaces the tokens of its own, and those are not revoked.
        importGrant(world, connection, 3600, { subject: 'late' }).catch(() => undefined),
      ]);
      expect([deleted.status, deletedToo.status].toSorted()).toEqual([200, 404]);
      const { rows } = await database.query(
        `select (select count(*)::int from connections where name = $1) as connections,
          (select count(*)::int from workflow_dependencies where workflow_id = $2) as dependencies,
          (select count(*)::int from grants where connection_id not in (select id from connections)) as grants`,
        [connection.name, workflow],
      );
      expect(rows).toEqual([{ connections: 0, dependencies: 0, grants: 0 }]);
      const state = (await api.get(`/workflows/${workflow}`)).body;
      expect(state.is_disabled).toBe(registered.status === 201);
      expect(await world.provider.accepts(accessToken)).toBe(false);
      expect(await pending()).toEqual([]);
    }
  });
});
