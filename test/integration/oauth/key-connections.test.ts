import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApi } from '../../support/http/broker-api.ts';
import { certify } from '../../support/oauth-server/certificates.ts';
import { type OAuthServer, startOAuthServer } from '../../support/oauth-server/server.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { type BrokerProcess, startBroker } from '../../support/processes/broker-process.ts';
import { createDataDir, type DataDir } from '../../support/processes/data-dir.ts';

const adminKey = randomBytes(32).toString('base64url');
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

let provider: OAuthServer;
let database: TestDatabase;
let dataDir: DataDir;
let broker: BrokerProcess;
let api: ReturnType<typeof createApi>;
beforeAll(async () => {
  provider = await startOAuthServer();
  database = await createTestDatabase();
  dataDir = createDataDir();
  broker = await startBroker({
    dataDir: dataDir.path,
    env: {
      DATABASE_URL: database.url,
      ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      ADMIN_API_KEY: adminKey,
      ALLOW_PRIVATE_NETWORK: 'true',
      LOG_LEVEL: 'debug',
    },
  });
  api = createApi(broker.url, adminKey);
});
afterAll(async () => {
  await broker?.stop();
  await database?.drop();
  await dataDir?.remove();
  await provider?.stop();
});

async function signingConnection(name: string, secret: unknown, more: Record<string, unknown> = {}) {
  const { clientId } = await provider.registerClient({
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [createPublicKey(privateKey).export({ format: 'jwk' })] } as never,
  });
  return {
    connection_name: name,
    oauth_flow_type: 'client_credentials',
    client_id: clientId,
    client_secret: secret,
    token_url: provider.endpoints.token,
    token_auth_method: 'private_key_jwt',
    ...more,
  };
}

test('a connection with a private key as secret gets tokens, and no response or log shows the key', async () => {
  const created = await api.post('/connections', await signingConnection('signing', pem));
  expect(created.body).toMatchObject({ status: 'completed', token_auth_method: 'private_key_jwt' });
  const credential = await api.get('/credentials/signing');
  expect(await provider.accepts(credential.body.access_token)).toBe(true);

  const patched = await api.patch('/connections/signing', { description: 'Edited without the key' });
  expect(patched.status).toBe(200);
  const line = pem.split('\n')[5] ?? '';
  expect(line).toHaveLength(64);
  for (const text of [created.text, credential.text, patched.text, broker.logs()]) expect(text).not.toContain(line);
});

test.each([
  ['no key', 'private_key_jwt', null],
  ['a password', 'private_key_jwt', 'hunter2-canary'],
  ['a public key', 'private_key_jwt', createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString()],
  ['a key without a certificate', 'tls_client_auth', pem],
  ['a key of another certificate', 'self_signed_tls_client_auth', certify('other').cert + pem],
])('creating a connection with %s is refused with 400, without quoting the secret', async (_, method, secret) => {
  const more = { token_auth_method: method, token_url: 'https://provider.test/token' };
  const response = await api.post('/connections', await signingConnection('wrong', secret, more));
  expect(response).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  expect(response.body.errors).toEqual([{ path: 'client_secret', message: expect.any(String) }]);
  expect(response.text).not.toMatch(/canary|BEGIN [A-Z]+ KEY-----\\n|MII/);
  expect((await api.get('/connections/wrong')).status).toBe(404);
});

test('an edit with an unusable key is refused, and so is a new method that the stored secret does not fit', async () => {
  const body = await signingConnection('edited', pem);
  expect((await api.post('/connections', body)).status).toBe(201);
  const wrong = await api.patch('/connections/edited', { client_secret: 'hunter2' });
  expect(wrong.body).toMatchObject({ code: 'invalid_request', errors: [{ path: 'client_secret' }] });
  const removed = await api.patch('/connections/edited', { client_secret: null });
  expect(removed.body).toMatchObject({ code: 'invalid_request', errors: [{ path: 'client_secret' }] });
  const method = await api.patch('/connections/edited', { token_auth_method: 'tls_client_auth' });
  expect(method.status).toBe(400);
  expect((await api.get('/credentials/edited')).status).toBe(200);
});

test('a change to private_key_jwt without a new secret is refused with client_secret_required', async () => {
  const basic = { ...(await signingConnection('basic', 'secret')), token_auth_method: 'client_secret_basic' };
  expect((await api.post('/connections', basic)).status).toBe(201);
  const response = await api.patch('/connections/basic', { token_auth_method: 'private_key_jwt' });
  expect(response.body).toMatchObject({ code: 'client_secret_required', changed: ['token_auth_method'] });
});
