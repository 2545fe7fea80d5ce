import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addConnection,
  type ConnectionOptions,
  connect,
  startAuthorization,
  type TestConnection,
  walkToCallback,
} from '../e2e/connections.ts';
import type { World } from '../e2e/world.ts';
import { createBrowser } from '../support/browser/browser.ts';
import { startOAuthServer } from '../support/oauth-server/server.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
/** The service with a provider that replies 400 to the parameters of PKCE. */
let world: World;
beforeAll(async () => {
  service = await openService();
  world = { ...service, provider: await startOAuthServer({}, { pkce: 'refused' }) };
});
afterAll(async () => {
  await world?.provider.stop();
  await service?.close();
});

const add = (options: ConnectionOptions = {}) =>
  addConnection(world, { ...options, body: { pkce: false, ...options.body } });

const statusOf = async (connection: TestConnection) => (await service.api.get(connection.credential)).status;

describe('a provider that refuses PKCE', () => {
  test('refuses the authorization of a connection with PKCE', async () => {
    const connection = await add({ body: { pkce: true } });
    const { link } = await startAuthorization(world, connection);
    const page = await signIn(createBrowser(), link, { login: 'ada' });
    expect([page.status, page.body]).toEqual([400, expect.stringContaining('unknown parameter code_challenge')]);
  });

  test('connects, serves and refreshes a connection with pkce false', async () => {
    const connection = await add();
    const before = world.provider.countTokenRequests();
    await connect(world, connection, 'ada');
    expect(await statusOf(connection)).toBe(200);
    expect((await service.api.post(`${connection.path}/refresh`)).status).toBe(200);
    expect(world.provider.tokenRequests.slice(before).map(({ status }) => status)).toEqual([200, 200]);
  });

  test('a callback from another browser is refused before the code is sent, and the right browser still connects', async () => {
    const connection = await add();
    const { browser, callback } = await walkToCallback(await startAuthorization(world, connection));
    const before = world.provider.countTokenRequests();
    const foreign = await createBrowser().send('GET', callback);
    expect(foreign.status).toBe(400);
    const otherState = new URL(callback);
    otherState.searchParams.set('state', 'A'.repeat(43));
    expect((await browser.send('GET', otherState)).status).toBe(400);
    expect(world.provider.countTokenRequests()).toBe(before);
    expect((await browser.send('GET', callback)).body).toContain('Connected');
  });

  test('a code of another authorization does not connect under the state of a victim in the browser of an attacker', async () => {
    const connection = await add();
    const victim = await walkToCallback(await startAuthorization(world, connection), { login: 'victim' });
    const attacker = await walkToCallback(await startAuthorization(world, connection), { login: 'attacker' });
    const mixed = new URL(victim.callback);
    mixed.searchParams.set('code', attacker.callback.searchParams.get('code') ?? '');
    expect((await attacker.browser.send('GET', mixed)).status).toBe(400);
    expect(await statusOf(connection)).toBe(503);
  });
});

describe('an edit of pkce', () => {
  test('keeps the tokens, changes the ETag and applies at the next authorization', async () => {
    const connection = await add();
    await connect(world, connection, 'ada');
    const etag = async () => (await service.api.get(connection.path)).headers.get('etag');
    const [before, served] = [await etag(), (await service.api.get(connection.credential)).body.access_token];
    const preview = await service.api.patch(`${connection.path}?dry_run=true`, { pkce: true });
    expect(preview.body).toMatchObject({
      changes: [{ field: 'pkce', from: false, to: true }],
      effects: { grants_disconnected: 0, authorizations_voided: 0, client_secret_required: false },
    });
    expect(await service.api.patch(connection.path, { pkce: true })).toMatchObject({
      status: 200,
      body: { pkce: true },
    });
    expect(await etag()).not.toBe(before);
    expect((await service.api.get(connection.credential)).body.access_token).toBe(served);
    expect(await challengeOf(connection)).toBe('S256');
    await service.api.patch(connection.path, { pkce: false });
    expect(await challengeOf(connection)).toBeNull();
  });

  test.each([true, false])('does not change an authorization that was started with pkce %j', async (pkce) => {
    const own = pkce ? service : world;
    const connection = await addConnection(own, { body: { pkce } });
    const started = await startAuthorization(own, connection);
    await service.api.patch(connection.path, { pkce: !pkce });
    const page = await signIn(createBrowser(), started.link, { login: 'ada' });
    expect(page.body).toContain('Connected');
  });

  async function challengeOf(connection: TestConnection): Promise<string | null | undefined> {
    const { link } = await startAuthorization(world, connection);
    const { location } = await createBrowser().send('GET', new URL(link));
    return location?.searchParams.get('code_challenge_method');
  }
});

describe('a client that does not authenticate', () => {
  const publicClient = (): Record<string, unknown> => ({
    connection_name: uniqueName(),
    client_id: 'client',
    authorization_url: world.provider.endpoints.authorization,
    token_url: world.provider.endpoints.token,
  });

  test.each([
    ['without a secret', { pkce: false }, 'pkce'],
    ['with the method none', { pkce: false, client_secret: 's', token_auth_method: 'none' }, 'pkce'],
    [
      'of a provider without PKCE',
      { provider: 'linear', authorization_url: undefined, token_url: undefined },
      'client_secret',
    ],
  ])('%s must use PKCE', async (_, change, path) => {
    const response = await service.api.post('/connections', { ...publicClient(), ...change });
    expect(response).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ path }] } });
  });

  test('is taken with PKCE, and neither its pkce nor the secret of a client without PKCE can be removed', async () => {
    const body = publicClient();
    expect((await service.api.post('/connections', body)).status).toBe(201);
    const edit = (name: unknown, change: object) => service.api.patch(`/connections/${String(name)}`, change);
    expect(await edit(body.connection_name, { pkce: false })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'pkce' }] },
    });
    expect((await edit(body.connection_name, { pkce: false, client_secret: 's' })).status).toBe(200);
    expect((await edit(body.connection_name, { client_secret: null })).status).toBe(400);
    expect((await edit(body.connection_name, { client_secret: null, pkce: null })).status).toBe(200);
  });
});
