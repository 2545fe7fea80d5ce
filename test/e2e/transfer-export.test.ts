import { generateIdentity, identityToRecipient } from 'age-encryption';
import { exportJWK, generateKeyPair } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openService, type Service } from '../contract/service.ts';
import { withoutLaterSweeps } from '../support/http/first-sweep.ts';
import { createScene, linesOf } from '../support/transfer/scene.ts';
import { addConnection } from './connections.ts';

let from: Service;
let to: Service;
beforeAll(async () => {
  [from, to] = await Promise.all([openService(withoutLaterSweeps), openService(withoutLaterSweeps)]);
});
afterAll(async () => {
  await from?.close();
  await to?.close();
});

const expiresAt = new Date(Date.now() + 24 * 60 * 60_000).toISOString();

/** Imports two grants of an organisation and a shared one below a global connection; one of them is dead. */
async function newGrants() {
  const scene = createScene(from);
  const { name } = await addConnection(from);
  const tokens = (n: number) => ({
    access_token: `access-${name}-${n}`,
    refresh_token: `refresh-${name}-${n}`,
    expires_at: expiresAt,
  });
  const lines = [
    {
      connection_name: name,
      organization_id: 'acme',
      subject: 'ada',
      ...tokens(0),
      extra: { instance_url: 'https://i' },
    },
    { connection_name: name, organization_id: 'acme', subject: 'dead', ...tokens(1) },
    { connection_name: name, ...tokens(2) },
  ];
  for (const { access_token, refresh_token } of lines)
    for (const each of [access_token, refresh_token]) scene.secrets.add(each);
  expect(await scene.run(['import', scene.writeLines('grants.ndjson', lines)])).toMatchObject({ code: 0 });
  await from.api.post(`/connections/${name}/revoke`, { subject: 'dead' }, { organization: 'acme' });
  return { scene, name, tokens };
}

test('an export has a line for each grant, and no token', async () => {
  const { scene, name } = await newGrants();
  const { code, stdout, stderr } = await scene.run(['export', '--connection', name]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '3 grants exported.\n' });
  const lines = linesOf({ code, stdout, stderr });
  expect(lines).toContainEqual({
    connection_name: name,
    organization_id: 'acme',
    subject: 'ada',
    scopes: expect.any(Array),
    expires_at: expiresAt,
  });
  expect(lines).toContainEqual({ connection_name: name, scopes: expect.any(Array), expires_at: expiresAt });
});

test('an export of one organisation has its grants alone', async () => {
  const { scene, name } = await newGrants();
  const result = await scene.run(['export', '--connection', name, '--organization', 'acme']);
  expect(
    linesOf(result)
      .map(({ subject }) => subject)
      .sort(),
  ).toEqual(['ada', 'dead']);
});

/** Sealed with `recipient`, moved as a file, and opened with `identity` by another service. */
async function roundTrip(recipient: string, identity: string) {
  const { scene, name, tokens } = await newGrants();
  const key = recipient.startsWith('age1') ? recipient : scene.write('recipient.json', recipient);
  const sealed = await scene.run(['export', '--connection', name, '--recipient', key]);
  expect(sealed).toMatchObject({ code: 0, stderr: expect.stringContaining('1 without a token: connection_not_ready') });
  expect(sealed.stderr).toContain('refresh tokens are not exported');

  const target = createScene(to);
  for (const secret of scene.secrets) target.secrets.add(secret);
  const connection = { connection_name: name, client_id: 'c', client_secret: 's', allow_import: true };
  const { authorization: authorization_url, token: token_url } = to.provider.endpoints;
  expect((await to.api.post('/connections', { ...connection, authorization_url, token_url })).status).toBe(201);
  const file = target.write('moved.ndjson', sealed.stdout);
  const identityFile = target.write('identity', identity);
  const { code, stdout, stderr } = await target.run(['import', file, '--identity', identityFile, '--ndjson']);
  // The dead grant has no token to import.
  expect(code, stderr).toBe(1);
  expect(linesOf({ code, stdout, stderr }).at(-1)).toMatchObject({ done: true, created: 2, failed: 1 });
  const ada = await to.api.get(`/credentials/${name}?subject=ada`, { organization: 'acme' });
  expect(ada.body).toMatchObject({
    access_token: tokens(0).access_token,
    expires_at: expiresAt,
    extra: { instance_url: 'https://i' },
  });
  expect((await to.api.get(`/credentials/${name}`)).body).toMatchObject({ access_token: tokens(2).access_token });
  // Without the identity a sealed line holds no token that the broker knows.
  expect(await target.run(['import', file])).toMatchObject({ code: 1, stdout: expect.stringContaining('3 failed') });
}

test('tokens sealed to an age key serve in another service', async () => {
  const identity = await generateIdentity();
  await roundTrip(await identityToRecipient(identity), identity);
});

test('tokens sealed to a JWK serve in another service', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ECDH-ES+A256KW', { extractable: true });
  await roundTrip(JSON.stringify(await exportJWK(publicKey)), JSON.stringify(await exportJWK(privateKey)));
});

test('an export with a key that may not read tokens ends with the code for permissions', async () => {
  const { scene, name } = await newGrants();
  const { key } = await from.newKey({ permissions: ['admin:read'] });
  scene.secrets.add(key);
  const recipient = await identityToRecipient(await generateIdentity());
  const run = (...more: string[]) => scene.run(['export', '--connection', name, ...more], { TOKEN_BROKER_KEY: key });
  expect(await run('--recipient', recipient)).toMatchObject({ code: 4, stderr: expect.stringContaining('forbidden') });
  expect(await run()).toMatchObject({ code: 0 });
});

test('a grant that an organisation’s own connection hides is exported without the other one’s token', async () => {
  const { scene, name } = await newGrants();
  const { authorization: authorization_url, token: token_url } = from.provider.endpoints;
  const own = { connection_name: name, client_id: 'own', client_secret: 's', authorization_url, token_url };
  expect((await from.api.post('/connections', own, { organization: 'acme' })).status).toBe(201);
  const grant = { subject: 'ada', access_token: 'own-token', expires_at: expiresAt };
  expect((await from.api.post(`/connections/${name}/grants`, grant, { organization: 'acme' })).status).toBe(201);
  const identity = await generateIdentity();
  const result = await scene.run(['export', '--connection', name, '--recipient', await identityToRecipient(identity)]);
  expect(result.stderr).toContain('1 without a token: shadowed');
  const sealed = linesOf(result).filter((line) => line.sealed !== undefined);
  // The organisation's own grant, and the shared one.
  expect(sealed.map(({ subject }) => subject ?? null).toSorted()).toEqual(['ada', null]);
});
