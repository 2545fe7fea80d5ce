import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Api } from '../support/broker-api.ts';
import { type HostileProvider, json, startHostileProvider } from '../support/hostile-provider.ts';
import {
  addConnection,
  begin,
  connect,
  everythingSent,
  expectStatus,
  issueTokens,
  obey,
  openScene,
  type Scene,
  type TestConnection,
} from './scene.ts';

/** Someone who may write connections, and read no credential, has a server of their own. */
describe('threat 26b: whoever edits a connection never receives an old secret or token', () => {
  let scene: Scene;
  let thief: HostileProvider;
  let writer: Api;
  beforeAll(async () => {
    [scene, thief] = await Promise.all([openScene(), startHostileProvider()]);
    obey(thief);
    const permissions = ['connections:read', 'connections:write', 'connections:authorize'];
    writer = (await scene.newKey({ permissions, organizations: ['a'] })).api;
  });
  afterAll(async () => {
    await scene?.close();
    await thief?.close();
  });

  /** A connection with a live token, what it must keep to itself, and a trip under way. */
  async function victim() {
    const connection = await addConnection(scene, { organization: 'a' });
    await connect(scene, connection);
    const { access_token } = expectStatus(await read(connection), 200).body;
    const trip = await begin(scene, connection);
    const secrets = [connection.secret, access_token, access_token.replace('access', 'refresh'), trip.state];
    return { connection, trip, secrets };
  }

  const read = (connection: TestConnection) => scene.api.get(connection.credential, { organization: 'a' });

  /** Everything that makes the service talk to a provider, short of what has to be allowed first. */
  async function stir(connection: TestConnection): Promise<void> {
    for (const verb of ['test', 'refresh', 'revoke', 'authorize', 'cancel'])
      await writer.post(`${connection.path}/${verb}`);
    await read(connection);
  }

  const edits: [field: string, edit: (thief: string) => Record<string, unknown>][] = [
    ['token_url', (at) => ({ token_url: `${at}/token` })],
    ['revocation_url', (at) => ({ revocation_url: `${at}/revoke` })],
    ['test_url', (at) => ({ test_url: `${at}/me` })],
    ['authorization_url', (at) => ({ authorization_url: `${at}/authorize` })],
    ['client_id', () => ({ client_id: 'another' })],
    ['oauth_flow_type', () => ({ oauth_flow_type: 'client_credentials' })],
    ['token_auth_method', () => ({ token_auth_method: 'client_secret_post' })],
    ['provider', () => ({ provider: 'linear' })],
  ];

  test.each(edits)('a change of %s is refused without the secret, and changes nothing', async (field, edit) => {
    const { connection } = await victim();
    const before = (await writer.get(connection.path)).body;
    const answer = await writer.patch(connection.path, edit(thief.origin));
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'client_secret_required', changed: expect.arrayContaining([field]) },
    });
    expect((await writer.get(connection.path)).body).toEqual(before);
    expect((await read(connection)).status).toBe(200);
  });

  test.each(edits)("a change of %s with a secret of the writer's own starts from nothing", async (_, edit) => {
    const { connection, trip, secrets } = await victim();
    const change = { ...edit(thief.origin), client_secret: 'the-writers-own' };
    expectStatus(await writer.patch(connection.path, change), 200);
    await stir(connection);
    expect((await trip.comeBack()).status).toBe(400);
    expectStatus(await writer.delete(connection.path), 200);
    for (const secret of secrets) expect(everythingSent(thief)).not.toContain(secret);
  });

  test('taking the secret away in the same request, or replacing the whole, is no way round', async () => {
    for (const client_secret of [null, 'the-writers-own']) {
      const { connection, secrets } = await victim();
      const { origin } = thief;
      const whole = { client_id: 'client', client_secret, scopes: 'read' };
      const urls = { authorization_url: `${origin}/authorize`, token_url: `${origin}/token`, test_url: `${origin}/me` };
      const replacement = { ...whole, ...urls, revocation_url: `${origin}/revoke` };
      expectStatus(await writer.call('PUT', connection.path, { body: replacement }), 200);
      await stir(connection);
      for (const secret of secrets) expect(everythingSent(thief)).not.toContain(secret);
    }
  });

  test('a public client has no secret to ask for: its tokens go before the new address counts', async () => {
    const body = { client_secret: null, token_auth_method: 'none' };
    const connection = await addConnection(scene, { organization: 'a', body });
    await connect(scene, connection);
    const { access_token } = expectStatus(await read(connection), 200).body;
    const { origin } = thief;
    const urls = { token_url: `${origin}/token`, test_url: `${origin}/me`, revocation_url: `${origin}/revoke` };
    expectStatus(await writer.patch(connection.path, urls), 200);
    await stir(connection);
    expect(await read(connection)).toMatchObject({ status: 503, body: { code: 'connection_not_ready' } });
    for (const secret of [access_token, access_token.replace('access', 'refresh')])
      expect(everythingSent(thief)).not.toContain(secret);
  });

  test('a secret that is replaced is tried at the provider it is of, never at the next one', async () => {
    const { connection, secrets } = await victim();
    expectStatus(await writer.patch(connection.path, { client_secret: 'second' }), 200);
    const change = { token_url: `${thief.origin}/token`, client_secret: 'third' };
    expectStatus(await writer.patch(connection.path, change), 200);
    thief.script('/token', json(401, { error: 'invalid_client' }));
    await (await begin(scene, connection)).comeBack();
    thief.script('/token', issueTokens);
    const sent = everythingSent(thief);
    expect(sent).toContain('third');
    for (const secret of [...secrets, 'second']) expect(sent).not.toContain(secret);
  });

  test('a name deleted and made anew inherits nothing', async () => {
    const { connection, secrets } = await victim();
    expectStatus(await writer.delete(connection.path), 200);
    const { origin } = thief;
    await addConnection({ api: writer, provider: thief }, { body: { connection_name: connection.name } });
    await stir(connection);
    expect(origin).not.toBe(scene.provider.origin);
    for (const secret of secrets) expect(everythingSent(thief)).not.toContain(secret);
  });

  test("an organisation's own connection under a global name gets nothing of the global one", async () => {
    const global = await addConnection(scene);
    await connect(scene, global);
    const { access_token } = expectStatus(await scene.api.get(global.credential), 200).body;
    await addConnection({ api: writer, provider: thief }, { body: { connection_name: global.name } });
    await stir(global);
    expect((await read(global)).status).toBe(503);
    for (const secret of [access_token, global.secret]) expect(everythingSent(thief)).not.toContain(secret);
    expect((await writer.patch(`${global.path}-`, { token_url: thief.origin })).status).toBe(404);
  });

  test('a refresh that is under way when the address changes brings its tokens to nobody', async () => {
    const { connection, secrets } = await victim();
    let release = () => {};
    const arrived = new Promise<void>((resolve) => {
      scene.provider.script('/token', (response) => {
        release = () => issueTokens(response);
        resolve();
      });
    });
    const refreshing = writer.post(`${connection.path}/refresh`);
    await arrived;
    const change = { token_url: `${thief.origin}/token`, test_url: `${thief.origin}/me`, client_secret: 'own' };
    expectStatus(await writer.patch(connection.path, change), 200);
    release();
    await refreshing;
    obey(scene.provider);
    await stir(connection);
    expect(await read(connection)).toMatchObject({ status: 503, body: { code: 'connection_not_ready' } });
    const sent = everythingSent(thief);
    for (const secret of secrets) expect(sent).not.toContain(secret);
  });

  test.each([
    { authorize_params: { redirect_uri: 'https://evil.test/' } },
    { authorize_params: { REDIRECT_URI: 'https://evil.test/' } },
    { authorize_params: { state: 'x' } },
    { authorize_params: { code_challenge: 'x' } },
    { authorize_params: { response_type: 'token' } },
    { authorize_params: { response_mode: 'fragment' } },
    { authorize_params: { 'redirect_uri&x': 'y' } },
    { token_params: { grant_type: 'password' } },
    { token_params: { refresh_token: 'x' } },
    { token_params: { client_secret: 'x' } },
    { token_params: { code_verifier: 'x' } },
  ])('parameters of the protocol itself cannot be written: %j', async (edit) => {
    const connection = await addConnection(scene, { organization: 'a' });
    expect(await writer.patch(connection.path, edit)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  test('after all of this the thief was sent nothing but what was its own', () => {
    expect(everythingSent(thief)).not.toMatch(/secret-[0-9a-f]{24}/);
  });
});
