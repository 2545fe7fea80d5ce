import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../support/http/broker-api.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres/database.ts';
import { createTemporaryFolder } from '../support/processes/temporary-folder.ts';
import { addConnection, connect, type TestConnection } from './connections.ts';
import { describeWithClientPrograms, runDocumented } from './operations.ts';
import { openEmbedded } from './stack.ts';
import { openWorld, type World } from './world.ts';

/** Starts, stops and a dump take longer than a request. */
const patience = 180_000;

describeWithClientPrograms('moving off the embedded database by the documented commands', () => {
  let world: World;
  let target: TestDatabase;
  let connection: TestConnection;
  let callersKey: string;
  let accessToken: string;

  beforeAll(async () => {
    world = await openWorld(openEmbedded);
    target = await createTestDatabase();
    connection = await addConnection(world);
    await connect(world, connection, 'ada');
    const fetched = await world.api.get(connection.credential);
    accessToken = fetched.body.access_token;
    const created = await world.api.post('/admin/api-keys', {
      name: 'caller',
      permissions: ['credentials:read'],
      organizations: ['acme'],
    });
    callersKey = String(created.body.key);
  }, patience);
  afterAll(async () => {
    await world?.close();
    await target?.drop();
  });

  test('the dump of the running service is restored without an error', { timeout: patience }, async () => {
    await expect.poll(() => health('unsaved_tokens')).toBe(0);
    await world.restart({ REFRESH_MODE: 'off' });
    expect(await health('refresh_mode')).toBe('off');
    const started = world.broker.lines().find((line) => line.includes('embedded database started')) ?? '{}';
    const { socket_directory } = JSON.parse(started) as { socket_directory: string };
    runDocumented(
      { heading: 'Move off the embedded database' },
      { DATA_DIR: world.stack.dataDir, SOCKET_DIRECTORY: socket_directory, DATABASE_URL: target.url },
      createTemporaryFolder('token-broker-dump-'),
    );
  });

  test('the service starts on the new database with the same keys, and serves the same token', {
    timeout: patience,
  }, async () => {
    const { dataDir } = world.stack;
    await world.restart({
      DATABASE_URL: target.url,
      ENCRYPTION_KEYS_FILE: join(dataDir, 'encryption-keys'),
      ADMIN_API_KEY_FILE: join(dataDir, 'admin-key'),
    });
    expect(world.broker.logs()).not.toContain('embedded database');
    expect((await world.api.get(connection.credential)).body.access_token).toBe(accessToken);
    await expect.poll(() => health('status')).toBe('ok');
  });

  test('keys of callers and the audit trail have moved', async () => {
    const caller = createApi(world.broker.url, callersKey);
    const fetched = await caller.get(connection.credential, { organization: 'acme' });
    expect(fetched.body.access_token).toBe(accessToken);
    const trail = await world.api.get('/admin/audit-events?action=connection.created');
    expect(trail.body).toMatchObject({ audit_events: [{ connection_name: connection.name }] });
  });

  test('the refresh token of before works there, and a person connects', { timeout: patience }, async () => {
    const renewed = await world.api.post(`${connection.credential}/renew`, { rejected_token: accessToken });
    expect(renewed.body.access_token).not.toBe(accessToken);
    expect(await world.provider.accepts(renewed.body.access_token)).toBe(true);
    await connect(world, await addConnection(world), 'grace');
  });

  const health = async (member: string) => (await world.api.get('/health')).body[member];
});
