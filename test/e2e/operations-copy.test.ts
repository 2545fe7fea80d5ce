import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, createApi } from '../support/http/broker-api.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres/database.ts';
import { type BrokerProcess, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir, type DataDir } from '../support/processes/data-dir.ts';
import { createTemporaryFolder } from '../support/processes/temporary-folder.ts';
import { addConnection, connect, type TestConnection } from './connections.ts';
import { describeWithClientPrograms, runDocumented } from './operations.ts';
import { openServers } from './stack.ts';
import { openWorld, testEnvironment, type World } from './world.ts';

/** Starts, stops and a dump take longer than a request. */
const patience = 180_000;
const heading = 'Back up and restore';
/** Makes the database refuse new token sets, and nothing else. */
const refuseTokens = `
  create function refuse_tokens() returns trigger language plpgsql as $$ begin raise 'refused'; end $$;
  create trigger refuse_tokens before update on grants for each row
    when (new.sealed_tokens is distinct from old.sealed_tokens) execute function refuse_tokens()`;

describeWithClientPrograms('a backup that is restored beside its original', () => {
  let world: World;
  let database: TestDatabase;
  let dataDir: DataDir;
  let copy: BrokerProcess;
  let copyApi: Api;
  let steady: TestConnection;
  let rotated: TestConnection;
  const names = ['steady', 'rotated'];

  const startCopy = async (env: Record<string, string> = {}) => {
    // The queue of the copy is in its database: it shares nothing with the original.
    const { REDIS_URL: _, ...shared } = world.stack.env;
    copy = await startBroker({
      dataDir: dataDir.path,
      env: { ...testEnvironment, ...shared, DATABASE_URL: database.url, ...env },
    });
    copyApi = createApi(copy.url, world.stack.adminKey());
  };
  const fetched = async (api: Api, connection: TestConnection) =>
    (await api.get(connection.credential)).body.access_token;
  const renewed = async (api: Api, connection: TestConnection) =>
    await api.post(`${connection.credential}/renew`, { rejected_token: await fetched(api, connection) });
  const health = async (api: Api) => (await api.get('/health')).body;

  beforeAll(async () => {
    world = await openWorld(openServers);
    database = await createTestDatabase();
    dataDir = createDataDir();
    [steady, rotated] = [await addConnection(world), await addConnection(world)];
    for (const [at, connection] of [steady, rotated].entries()) await connect(world, connection, names[at] ?? '');
    runDocumented(
      { heading },
      { DATABASE_URL: world.stack.env.DATABASE_URL ?? '', COPY_DATABASE_URL: database.url },
      createTemporaryFolder('token-broker-dump-'),
    );
  }, patience);
  afterAll(async () => {
    if (copy?.isRunning()) await copy.stop();
    await world?.close();
    await database?.drop();
    await dataDir?.remove();
  }, patience);

  test('with REFRESH_MODE=off it serves live tokens and spends no refresh token of the original', async () => {
    await startCopy({ REFRESH_MODE: 'off' });
    expect(await health(copyApi)).toMatchObject({ refresh_mode: 'off', database: 'ok' });
    const requests = world.provider.tokenRequests.length;
    for (const connection of [steady, rotated]) {
      expect(await fetched(copyApi, connection)).toBe(await fetched(world.api, connection));
      expect((await renewed(copyApi, connection)).status).toBeGreaterThanOrEqual(400);
    }
    expect(world.provider.tokenRequests).toHaveLength(requests);
    expect((await renewed(world.api, steady)).status).toBe(200);
  }, 180_000);

  test('the token that the original could not store is stored by the copy that replaces it', async () => {
    // Since the backup the original has refreshed this grant once. The next refresh is only on its disk.
    expect((await renewed(world.api, rotated)).status).toBe(200);
    await world.stack.sql(refuseTokens);
    const newest = (await renewed(world.api, rotated)).body.access_token;
    expect(await world.provider.accepts(newest)).toBe(true);
    expect(await health(world.api)).toMatchObject({ unsaved_tokens: 1 });
    await world.broker.stop();

    const folders = { DATA_DIR: world.stack.dataDir, COPY_DATA_DIR: dataDir.path };
    runDocumented({ heading, block: 1 }, folders, dataDir.path);
    await copy.stop();
    await startCopy();
    await expect.poll(() => health(copyApi)).toMatchObject({ refresh_mode: 'on', unsaved_tokens: 0 });
    expect(await fetched(copyApi, rotated)).toBe(newest);
    const after = await renewed(copyApi, rotated);
    expect(await world.provider.accepts(after.body.access_token)).toBe(true);
  }, 180_000);

  test('a token that the original rotated after the backup needs its person, and the reason says so', async () => {
    await expect
      .poll(async () => (await renewed(copyApi, steady)).body)
      .toMatchObject({ status_reason: 'reauthorization_required' });
    await connect({ ...world, broker: copy, api: copyApi }, await addConnection({ ...world, api: copyApi }), 'grace');
  }, 180_000);
});
