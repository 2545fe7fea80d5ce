import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Api } from '../support/http/broker-api.ts';
import { type HostileProvider, json, startHostileProvider } from '../support/provider/hostile-provider.ts';
import {
  addConnection,
  connect,
  everythingSent,
  expectStatus,
  issueTokens,
  openAuthorization,
  openScene,
  type Scene,
  scriptCorrectReplies,
  type TestConnection,
} from './scene.ts';

/** The attacker may write connections, cannot read credentials, and runs the server `thief`. */
describe('exfiltration by editing a connection', () => {
  let scene: Scene;
  let thief: HostileProvider;
  let writer: Api;
  beforeAll(async () => {
    [scene, thief] = await Promise.all([openScene(), startHostileProvider()]);
    scriptCorrectReplies(thief);
    const permissions = ['connections:read', 'connections:write', 'connections:authorize'];
    writer = (await scene.newKey({ permissions, organizations: ['a'] })).api;
  });
  afterAll(async () => {
    await scene?.close();
    await thief?.close();
  });

  /** Creates a connection with a live token and a pending authorization. The thief must receive none of `secrets`. */
  async function createVictim() {
    const connection = await addConnection(scene, { organization: 'a' });
    await connect(scene, connection);
    const { access_token } = expectStatus(await read(connection), 200).body;
    const authorization = await openAuthorization(scene, connection);
    const secrets = [connection.secret, access_token, access_token.replace('access', 'refresh'), authorization.state];
    return { connection, authorization, secrets };
  }

  const read = (connection: TestConnection) => scene.api.get(connection.credential, { organization: 'a' });

  /** Triggers every provider call that the writer can cause, and one fetch of the credential. */
  async function triggerProviderCalls(connection: TestConnection): Promise<void> {
    for (const verb of ['test', 'refresh', 'revoke', 'authorize', 'cancel'])
      await writer.post(`${connection.path}/${verb}`);
    await read(connection);
  }

  const edits: [field: string, edit: (origin: string) => Record<string, unknown>][] = [
    ['token_url', (origin) => ({ token_url: `${origin}/token` })],
    ['authorization_url', (origin) => ({ authorization_url: `${origin}/authorize` })],
    ['client_id', () => ({ client_id: 'another' })],
    ['oauth_flow_type', () => ({ oauth_flow_type: 'client_credentials' })],
    ['token_auth_method', () => ({ token_auth_method: 'client_secret_post' })],
    ['provider', () => ({ provider: 'linear' })],
  ];

  test.each(edits)('an edit of %s without the client secret is refused and changes nothing', async (field, edit) => {
    const { connection } = await createVictim();
    const before = (await writer.get(connection.path)).body;
    const response = await writer.patch(`${connection.path}?confirm_disconnect=true`, edit(thief.origin));
    expect(response).toMatchObject({
      status: 400,
      body: { code: 'client_secret_required', changed: expect.arrayContaining([field]) },
    });
    expect((await writer.get(connection.path)).body).toEqual(before);
    expect((await read(connection)).status).toBe(200);
  });

  test.each(edits)(
    "an edit of %s with the writer's own secret sends no old secret or token to the thief",
    async (_, edit) => {
      const { connection, authorization, secrets } = await createVictim();
      const change = { ...edit(thief.origin), client_secret: 'the-writers-own' };
      expectStatus(await writer.patch(`${connection.path}?confirm_disconnect=true`, change), 200);
      await triggerProviderCalls(connection);
      expect((await authorization.sendCallback()).status).toBe(400);
      expectStatus(await writer.delete(connection.path), 200);
      for (const secret of secrets) expect(everythingSent(thief)).not.toContain(secret);
    },
  );

  test('replacing a whole connection, with or without a new secret, sends no old secret to the thief', async () => {
    for (const client_secret of [null, 'the-writers-own']) {
      const { connection, secrets } = await createVictim();
      const { origin } = thief;
      const required = { client_id: 'client', client_secret, scopes: 'read' };
      const urls = { authorization_url: `${origin}/authorize`, token_url: `${origin}/token`, test_url: `${origin}/me` };
      const replacement = { ...required, ...urls, revocation_url: `${origin}/revoke` };
      expectStatus(await writer.call('PUT', `${connection.path}?confirm_disconnect=true`, { body: replacement }), 200);
      await triggerProviderCalls(connection);
      for (const secret of secrets) expect(everythingSent(thief)).not.toContain(secret);
    }
  });

  test('a public client has no secret to check: editing its URLs drops its tokens before the new URLs are called', async () => {
    const body = { client_secret: null, token_auth_method: 'none' };
    const connection = await addConnection(scene, { organization: 'a', body });
    await connect(scene, connection);
    const { access_token } = expectStatus(await read(connection), 200).body;
    const { origin } = thief;
    const urls = { token_url: `${origin}/token`, test_url: `${origin}/me`, revocation_url: `${origin}/revoke` };
    expectStatus(await writer.patch(`${connection.path}?confirm_disconnect=true`, urls), 200);
    await triggerProviderCalls(connection);
    expect(await read(connection)).toMatchObject({ status: 503, body: { code: 'connection_not_ready' } });
    for (const secret of [access_token, access_token.replace('access', 'refresh')])
      expect(everythingSent(thief)).not.toContain(secret);
  });

  test('a replaced client secret is never sent to the token URL of a later edit', async () => {
    const { connection, secrets } = await createVictim();
    expectStatus(await writer.patch(`${connection.path}?confirm_disconnect=true`, { client_secret: 'second' }), 200);
    const change = { token_url: `${thief.origin}/token`, client_secret: 'third' };
    expectStatus(await writer.patch(`${connection.path}?confirm_disconnect=true`, change), 200);
    thief.script('/token', json(401, { error: 'invalid_client' }));
    await (await openAuthorization(scene, connection)).sendCallback();
    thief.script('/token', issueTokens);
    const sent = everythingSent(thief);
    expect(sent).toContain('third');
    for (const secret of [...secrets, 'second']) expect(sent).not.toContain(secret);
  });

  test('a connection created under a deleted name receives nothing of the deleted one', async () => {
    const { connection, secrets } = await createVictim();
    expectStatus(await writer.delete(connection.path), 200);
    const { origin } = thief;
    await addConnection({ api: writer, provider: thief }, { body: { connection_name: connection.name } });
    await triggerProviderCalls(connection);
    expect(origin).not.toBe(scene.provider.origin);
    for (const secret of secrets) expect(everythingSent(thief)).not.toContain(secret);
  });

  test("an organisation's connection with the name of a global one receives nothing of the global one", async () => {
    const global = await addConnection(scene);
    await connect(scene, global);
    const { access_token } = expectStatus(await scene.api.get(global.credential), 200).body;
    await addConnection({ api: writer, provider: thief }, { body: { connection_name: global.name } });
    await triggerProviderCalls(global);
    expect((await read(global)).status).toBe(503);
    for (const secret of [access_token, global.secret]) expect(everythingSent(thief)).not.toContain(secret);
    expect((await writer.patch(`${global.path}-`, { token_url: thief.origin })).status).toBe(404);
  });

  test('a refresh in flight while the token URL changes leaves no token to serve or to send', async () => {
    const { connection, secrets } = await createVictim();
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
    expectStatus(await writer.patch(`${connection.path}?confirm_disconnect=true`, change), 200);
    release();
    await refreshing;
    scriptCorrectReplies(scene.provider);
    await triggerProviderCalls(connection);
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
  ])('a connection cannot set parameters that the protocol defines: %j', async (edit) => {
    const connection = await addConnection(scene, { organization: 'a' });
    expect(await writer.patch(connection.path, edit)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  test('no edit of this suite sent a generated client secret to the thief', () => {
    expect(everythingSent(thief)).not.toMatch(/secret-[0-9a-f]{24}/);
  });
});
