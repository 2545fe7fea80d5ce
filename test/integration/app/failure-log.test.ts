import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, openAuthorization, openScene, type Scene, type TestConnection } from '../../security/scene.ts';
import { type BrokerProcess, startBroker } from '../../support/processes/broker-process.ts';
import { createDataDir, type DataDir } from '../../support/processes/data-dir.ts';
import { json } from '../../support/provider/hostile-provider.ts';

let scene: Scene;
let sweepDir: DataDir;
let sweeper: BrokerProcess | undefined;
beforeAll(async () => {
  scene = await openScene();
  sweepDir = createDataDir();
});
afterAll(async () => {
  await sweeper?.stop();
  await scene?.close();
  await sweepDir?.remove();
});

const organization = 'acme';
const subject = 'ann';
const refused = { error: 'odd', error_description: 'What is this?' };

/** Adds a connection whose provider refuses every token request and every probe. */
async function refusedConnection(body: Record<string, unknown> = {}): Promise<TestConnection> {
  const path = `/refused-${Math.random()}`;
  scene.provider.script(`${path}/token`, json(400, refused));
  scene.provider.script(`${path}/me`, json(401, {}));
  const { origin } = scene.provider;
  const urls = { token_url: `${origin}${path}/token`, test_url: `${origin}${path}/me` };
  return addConnection(scene, { organization, body: { ...urls, ...body } });
}

async function importGrant({ path }: TestConnection, expiresInSeconds: number): Promise<void> {
  const tokens = { access_token: 'held', refresh_token: 'spent', subject };
  const expires_at = new Date(Date.now() + expiresInSeconds * 1000).toISOString();
  const { status, text } = await scene.api.post(`${path}/grants`, { ...tokens, expires_at }, { organization });
  expect(status, text).toBe(201);
}

function warningsIn({ logs }: Pick<BrokerProcess, 'logs'>, { name }: TestConnection): Record<string, unknown>[] {
  const lines = logs()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return entries.filter(({ level, connection_name }) => level === 'warn' && connection_name === name);
}

const refreshFailed = { msg: 'refresh failed', subject, class: 'unknown', ...refused, http_status: 400 };

// Runs before the others, so that its grant is the only one that is due.
test('a refresh by a sweep that fails is one warning of the process that made it', async () => {
  // Without a test URL: a health check at the start of the process would log a warning of its own.
  const connection = await refusedConnection({ test_url: undefined });
  await importGrant(connection, 60);
  // A sweep skips recently obtained grants, so that a restart causes no burst.
  await scene.rows(
    `update grants set obtained_at = now() - interval '1 hour' where subject = '${subject}' and status = 'completed'`,
  );
  const process = await startBroker({ dataDir: sweepDir.path, env: { ...scene.env, ROLE: 'worker' } });
  sweeper = process;
  expect((await scene.api.post('/admin/refresh/expiring')).status).toBe(202);
  const seen = () => [scene.broker, process].flatMap((one) => warningsIn(one, connection));
  await expect.poll(seen, { timeout: 20_000 }).not.toEqual([]);
  expect(seen()).toEqual([
    expect.objectContaining({ connection_name: connection.name, organization_id: organization, ...refreshFailed }),
  ]);
}, 60_000);

test.each<[kind: string, fail: () => Promise<TestConnection>, expected: object]>([
  [
    'a refresh that a reader waits for',
    async () => {
      const connection = await refusedConnection();
      await importGrant(connection, -60);
      await scene.api.get(`${connection.credential}?subject=${subject}`, { organization });
      return connection;
    },
    refreshFailed,
  ],
  [
    'a renewal',
    async () => {
      const connection = await refusedConnection();
      await importGrant(connection, 3600);
      const report = { rejected_token: 'held', subject };
      await scene.api.post(`${connection.credential}/renew`, report, { organization });
      return connection;
    },
    refreshFailed,
  ],
  [
    'a refresh on demand',
    async () => {
      const connection = await refusedConnection();
      await importGrant(connection, 3600);
      await scene.api.post(`${connection.path}/refresh`, { subject }, { organization });
      return connection;
    },
    refreshFailed,
  ],
  [
    'an exchange of a code',
    async () => {
      const connection = await refusedConnection();
      await (await openAuthorization(scene, connection, { subject })).sendCallback();
      return connection;
    },
    { msg: 'authorization failed', subject, reason: 'exchange_failed', ...refused },
  ],
  [
    'an authorization that a person denies',
    async () => {
      const connection = await refusedConnection();
      const authorization = await openAuthorization(scene, connection, { subject });
      await authorization.sendCallback({ error: 'access_denied' });
      return connection;
    },
    { msg: 'authorization failed', subject, reason: 'user_denied', error: 'access_denied' },
  ],
  [
    'the test of a new token',
    async () => {
      const connection = await refusedConnection({ token_url: `${scene.provider.origin}/token` });
      await (await openAuthorization(scene, connection, { subject })).sendCallback();
      return connection;
    },
    { msg: 'authorization failed', subject, reason: 'test_failed' },
  ],
  [
    'the first token of a client',
    () => refusedConnection({ oauth_flow_type: 'client_credentials', authorization_url: undefined }),
    { ...refreshFailed, subject: null },
  ],
  [
    'a test on demand',
    async () => {
      const connection = await refusedConnection();
      await importGrant(connection, 3600);
      await scene.api.post(`${connection.path}/test`, { subject }, { organization });
      return connection;
    },
    { msg: 'test of connection failed', subject, test_result: 'failed', reason: expect.stringContaining('401') },
  ],
])('%s that fails is one warning with connection, organisation, subject and reason', async (_, fail, expected) => {
  const connection = await fail();
  await expect.poll(() => warningsIn(scene.broker, connection)).not.toEqual([]);
  expect(warningsIn(scene.broker, connection)).toEqual([
    expect.objectContaining({ connection_name: connection.name, organization_id: organization, ...expected }),
  ]);
});
