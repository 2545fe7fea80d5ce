import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createCatalogue } from '../../src/oauth/providers/catalogue.ts';
import { createBrowser } from '../support/browser/browser.ts';
import {
  type HostileProvider,
  json,
  selfSigned,
  startHostileProvider,
  text,
} from '../support/provider/hostile-provider.ts';
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
  uniqueName,
} from './scene.ts';

describe('calls to a provider', () => {
  let scene: Scene;
  let elsewhere: HostileProvider;
  let untrusted: HostileProvider;
  beforeAll(async () => {
    [scene, elsewhere, untrusted] = await Promise.all([
      openScene(),
      startHostileProvider(),
      startHostileProvider(selfSigned),
    ]);
    scriptCorrectReplies(elsewhere);
    scriptCorrectReplies(untrusted);
  });
  afterEach(() => scriptCorrectReplies(scene.provider));
  afterAll(async () => {
    await scene?.close();
    await elsewhere?.close();
    await untrusted?.close();
  });

  describe('TLS', () => {
    test('a token endpoint with an untrusted certificate receives nothing, and the API names the certificate', async () => {
      const connection = await addConnection(scene, { body: { token_url: `${untrusted.origin}/token` } });
      const authorization = await openAuthorization(scene, connection);
      expect((await authorization.sendCallback()).body).toContain('Not connected');
      const { body } = await scene.api.get(connection.path);
      expect(body).toMatchObject({ status: 'failed', status_message: expect.stringContaining('certificate') });
      expect(untrusted.received).toEqual([]);
    });

    test('a test or revocation endpoint with an untrusted certificate receives no token', async () => {
      const urls = { test_url: `${untrusted.origin}/me`, revocation_url: `${untrusted.origin}/revoke` };
      const connection = await addConnection(scene, { body: urls });
      expectStatus(await scene.api.post(`${connection.path}/grants`, { access_token: 'of-mine' }), 201);
      const { body } = await scene.api.post(`${connection.path}/test`);
      expect(body).toMatchObject({ test_result: 'failed', message: expect.stringContaining('certificate') });
      const revoked = expectStatus(await scene.api.post(`${connection.path}/revoke`), 200).body;
      expect(revoked).toMatchObject({ revoked: [{ revoked_at_provider: false }] });
      expect(untrusted.received).toEqual([]);
    });
  });

  describe('client authentication', () => {
    const secret = 'a+b/c:d%e f&g=ü';
    const formEncoded = encodeURIComponent(secret).replaceAll('%20', '+');

    test.each([
      ['client_secret_basic', `client:${formEncoded}`, null],
      ['client_secret_basic_raw', `client:${secret}`, null],
      ['client_secret_post', null, secret],
    ])('%s sends a secret with +/:%% unchanged, in one place only', async (method, header, inBody) => {
      const connection = await addConnection(scene, { body: { client_secret: secret, token_auth_method: method } });
      await connect(scene, connection);
      expectStatus(await scene.api.post(`${connection.path}/refresh`), 200);
      for (const { headers, body } of scene.provider.received.filter(({ path }) => path === '/token').slice(-2)) {
        const basic = headers.authorization?.replace('Basic ', '');
        expect(basic === undefined ? null : Buffer.from(basic, 'base64').toString()).toBe(header);
        expect(new URLSearchParams(body).get('client_secret')).toBe(inBody);
      }
    });
  });

  describe('redirects of a provider', () => {
    test.each([301, 302, 303, 307, 308])(
      'a redirect with status %i sends neither secret, code nor token to another host',
      async (status) => {
        // Each status has its own token endpoint: the circuit of one endpoint opens after five redirects.
        const tokenPath = `/token-${status}`;
        scene.provider.script(tokenPath, issueTokens);
        const connection = await addConnection(scene, { body: { token_url: `${scene.provider.origin}${tokenPath}` } });
        await connect(scene, connection);
        for (const path of [tokenPath, '/me', '/revoke'])
          scene.provider.script(path, text(status, '', { location: `${elsewhere.origin}${path}` }));
        for (const verb of ['test', 'refresh', 'revoke']) await scene.api.post(`${connection.path}/${verb}`);
        expect((await (await openAuthorization(scene, connection)).sendCallback()).body).toContain('Not connected');
        expect(elsewhere.received).toEqual([]);
      },
    );
  });

  test('revocation sends the refresh token first, and the grant is revoked even if the provider fails', async () => {
    const connection = await addConnection(scene);
    await connect(scene, connection);
    scene.provider.script('/revoke', json(503, {}));
    const before = scene.provider.received.length;
    expectStatus(await scene.api.post(`${connection.path}/revoke`), 200);
    const [first] = scene.provider.received.slice(before).filter(({ path }) => path === '/revoke');
    expect(new URLSearchParams(first?.body).get('token')).toMatch(/^refresh-/);
    expect(await scene.api.get(connection.credential)).toMatchObject({
      status: 503,
      body: { status_reason: 'revoked' },
    });
  });

  test('the password grant and the implicit flow do not exist', async () => {
    const urls = {
      authorization_url: `${scene.provider.origin}/authorize`,
      token_url: `${scene.provider.origin}/token`,
    };
    // Valid but for the flow: another fault would hide that the flow is accepted.
    const valid = { client_id: 'x', client_secret: 'x', ...urls };
    for (const oauth_flow_type of ['password', 'implicit', 'token', 'constructor', '__proto__']) {
      const body = { ...valid, connection_name: uniqueName(), oauth_flow_type };
      expect(await scene.api.post('/connections', body), oauth_flow_type).toMatchObject({
        status: 400,
        body: { errors: [{ path: 'oauth_flow_type' }] },
      });
    }
    for (const name of ['response_type', 'RESPONSE_TYPE', 'response_type[]', 'grant_type']) {
      const body = { ...valid, connection_name: uniqueName(), authorize_params: { [name]: 'token' } };
      expect((await scene.api.post('/connections', body)).status, name).toBe(400);
    }
    expectStatus(await scene.api.post('/connections', { ...valid, connection_name: uniqueName() }), 201);
    for (const { authorizeParams, tokenParams, refreshParams, refresh } of createCatalogue().list()) {
      const grantType = refresh.strategy === 'exchange_access_token' ? refresh.grantType : '';
      expect(Object.keys(authorizeParams)).not.toContain('response_type');
      for (const type of [tokenParams.grant_type, refreshParams.grant_type, grantType])
        expect(type).not.toBe('password');
    }
    expect(everythingSent(scene.provider)).not.toMatch(/grant_type=(password|implicit)|response_type=(?!code\b)/);
  });

  test('a grant deleted during its refresh does not come back', async () => {
    const connection = await addConnection(scene);
    await connect(scene, connection);
    const { grants } = (await scene.api.get(`${connection.path}/grants`)).body as unknown as {
      grants: { grant_id: string }[];
    };
    const release = new Promise<() => void>((resolve) => {
      scene.provider.script('/token', (response) =>
        resolve(() => json(200, { access_token: 'late', refresh_token: 'late', expires_in: 3600 })(response)),
      );
    });
    const refreshing = scene.api.post(`${connection.path}/refresh`);
    const respond = await release;
    expectStatus(await scene.api.delete(`${connection.path}/grants/${grants[0]?.grant_id}`), 204);
    respond();
    expect((await refreshing).status).not.toBe(200);
    expect((await scene.api.get(connection.credential)).status).toBe(503);
    expect((await scene.api.get(`${connection.path}/grants`)).body.grants).toEqual([]);
  });

  test('the page of a refused callback loads nothing from another site', async () => {
    const page = await (await openAuthorization(scene, await addConnection(scene))).sendCallback(
      undefined,
      createBrowser(),
    );
    expect(page.body).not.toMatch(/\b(?:src|href|action)\s*=|@import|url\(/i);
  });
});
