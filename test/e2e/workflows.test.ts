import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, createApi } from '../support/http/broker-api.ts';
import { type BrokerProcess, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir, type DataDir } from '../support/processes/data-dir.ts';
import { describeWithRedis } from '../support/redis/database.ts';
import { addConnection, importGrant, type TestConnection } from './connections.ts';
import { openServers } from './stack.ts';
import { openWorld, testEnvironment, type World } from './world.ts';

describeWithRedis('workflows at two processes on one database', () => {
  let world: World;
  let second: BrokerProcess;
  let dataDir: DataDir;
  let api: Api;
  beforeAll(async () => {
    world = await openWorld(openServers);
    dataDir = createDataDir();
    second = await startBroker({
      dataDir: dataDir.path,
      env: { ...testEnvironment, ...world.stack.env, PUBLIC_URL: world.broker.url },
    });
    api = createApi(second.url, world.stack.adminKey());
  });
  afterAll(async () => {
    await second?.stop();
    await dataDir?.remove();
    await world?.close();
  });

  let sequence = 0;
  const newId = () => `w-${++sequence}`;
  async function addConnected(): Promise<TestConnection> {
    const connection = await addConnection(world);
    await importGrant(world, connection, 3600);
    return connection;
  }
  const fetchAs = (at: Api, id: string, { credential }: TestConnection) =>
    at.get(credential, { headers: { 'x-workflow-id': id } });
  const dependentsOf = async ({ path }: TestConnection) =>
    ((await world.api.get(`${path}/dependents?limit=200`)).body.dependents as { workflow_id: string }[]).map(
      ({ workflow_id }) => workflow_id,
    );

  test('a workflow disabled at one process is refused there and at the other, and stays refused until it is enabled', async () => {
    const connection = await addConnected();
    const id = newId();
    for (let round = 0; round < 10; round++) {
      // Both processes have the credential and the state of the workflow in memory.
      for (const at of [world.api, api]) {
        await expect.poll(async () => (await fetchAs(at, id, connection)).status).toBe(200);
      }
      const reason = `round ${round}`;
      expect((await world.api.post(`/workflows/${id}/disable`, { reason })).status).toBe(200);
      const refused = { status: 403, body: { code: 'workflow_disabled', disabled_reason: reason } };
      expect(await fetchAs(world.api, id, connection)).toMatchObject(refused);
      // The notification is on its way: the database sent it with the commit.
      await expect.poll(() => fetchAs(api, id, connection)).toMatchObject(refused);
      for (const at of [api, world.api, api]) expect(await fetchAs(at, id, connection)).toMatchObject(refused);
      expect((await api.get(`/workflows/${id}`)).body).toMatchObject({ is_disabled: true, disabled_reason: reason });
      expect((await api.post(`/workflows/${id}/enable`)).status).toBe(200);
      expect((await fetchAs(api, id, connection)).status).toBe(200);
    }
  });

  test('the workflows of the last fetches are registered by a process that SIGTERM ends', async () => {
    const connection = await addConnected();
    const ids = Array.from({ length: 50 }, newId);
    for (const { status } of await Promise.all(ids.map((id) => fetchAs(world.api, id, connection)))) {
      expect(status).toBe(200);
    }
    await world.broker.stop();
    const dependents = (await api.get(`${connection.path}/dependents?limit=200`)).body.dependents as object[];
    expect(dependents).toHaveLength(ids.length);
    await world.restart();
  });

  test('registering, disabling, enabling and fetching at once at both processes leaves no half state', async () => {
    const connection = await addConnected();
    const ids = Array.from({ length: 5 }, newId);
    const allowed = new Set([200, 201, 403]);
    const calls = Array.from({ length: 200 }, (_, n) => {
      const at = n % 2 === 0 ? world.api : api;
      const id = ids[n % ids.length] ?? '';
      const path = `/workflows/${id}`;
      if (n % 4 === 0) return at.post(`${path}/dependencies`, { connection_name: connection.name });
      if (n % 4 === 1) return fetchAs(at, id, connection);
      if (n % 4 === 2)
        return at.post(`${path}/${n % 8 === 2 ? 'disable' : 'enable'}`, n % 8 === 2 ? { reason: 'x' } : {});
      return at.get(path);
    });
    for (const { status, text } of await Promise.all(calls)) expect(allowed, text).toContain(status);
    for (const id of ids) await world.api.post(`/workflows/${id}/enable`);
    // A fetch whose workflow was disabled for the whole run registered nothing: it does now.
    for (const id of ids) await expect.poll(async () => (await fetchAs(api, id, connection)).status).toBe(200);
    await expect.poll(() => dependentsOf(connection), { timeout: 20_000 }).toEqual(ids.toSorted());
    for (const id of ids) {
      const { dependencies } = (await api.get(`/workflows/${id}/dependencies`)).body;
      expect(dependencies).toMatchObject([{ connection_name: connection.name }]);
      for (const at of [world.api, api]) {
        expect((await at.get(`/workflows/${id}`)).body).toMatchObject({ is_disabled: false });
        await expect.poll(async () => (await fetchAs(at, id, connection)).status).toBe(200);
      }
    }
    expect((await api.get('/workflows/disabled')).body.workflows).toEqual([]);
  });
});
