import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { createBrowser } from '../support/browser/browser.ts';
import { withoutLaterSweeps } from '../support/http/first-sweep.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';
import { messageSecret, type NangoDouble, startNangoDouble } from '../support/transfer/nango-double.ts';
import { createScene, linesOf } from '../support/transfer/scene.ts';

let service: Service;
let scene: ReturnType<typeof createScene>;
let nango: NangoDouble;
beforeAll(async () => {
  service = await openService(withoutLaterSweeps);
  scene = createScene(service);
  nango = await startNangoDouble();
  for (const secret of [nango.key, messageSecret]) scene.secrets.add(secret);
});
afterAll(async () => {
  await nango?.close();
  await service?.close();
});

/** A client at the real authorization server, and tokens of a person. */
async function newClient() {
  const client = await service.provider.registerClient();
  scene.secrets.add(client.clientSecret);
  return client;
}
async function newTokens(clientId: string, person: string) {
  const tokens = await service.provider.issueTokens(clientId, person);
  for (const token of [tokens.accessToken, tokens.refreshToken]) scene.secrets.add(token);
  return tokens;
}
const credential = (path: string, organization?: string) => service.api.get(`/credentials/${path}`, { organization });
const refreshed = (name: string, body: object, organization?: string) =>
  service.api.post(`/connections/${name}/refresh`, body, { organization });

describe('import --from nango', () => {
  const fromNango = (...more: string[]) =>
    scene.run(['import', '--from', 'nango', '--nango-url', nango.url, ...more], { NANGO_SECRET_KEY: nango.key });

  /** An integration whose provider is the real authorization server. */
  async function addIntegration(authMode = 'OAUTH2') {
    const { authorization, token } = service.provider.endpoints;
    const [key, name] = [uniqueName('crm'), uniqueName('provider')];
    const { clientId, clientSecret } = await newClient();
    const urls = { authorization_url: authorization, token_url: token, token_request_auth_method: 'basic' };
    nango.providers.push({ name, display_name: 'CRM', auth_mode: authMode, docs: '', ...urls });
    const credentials = {
      type: authMode,
      client_id: clientId,
      client_secret: clientSecret,
      scopes: 'openid,offline_access',
    };
    nango.integrations.push({ unique_key: key, display_name: 'CRM', provider: name, credentials });
    return { key, clientId };
  }

  async function oauth2(clientId: string, person: string) {
    const { accessToken, refreshToken, expiresIn } = await newTokens(clientId, person);
    const expiresAt = new Date(Date.now() + expiresIn * 1000).toISOString();
    const raw = { access_token: accessToken, refresh_token: refreshToken, scope: 'openid offline_access' };
    return { type: 'OAUTH2', access_token: accessToken, refresh_token: refreshToken, expires_at: expiresAt, raw };
  }

  test('walks all pages through rate limits, and the grants work afterwards', async () => {
    const { key, clientId } = await addIntegration();
    const first = await oauth2(clientId, 'ada');
    const second = await oauth2(clientId, 'eve');
    const add = (connection_id: string, credentials: object | number, more: object = {}) =>
      nango.connections.push({
        connection_id,
        provider_config_key: key,
        credentials: { ...Object(credentials) },
        ...more,
      });
    add('c-ada', first, { end_user: { id: 'ada', organization: { id: 'acme' } } });
    // More than a page of connections. Those of another integration are not read.
    for (let n = 0; n < 200; n++) add(`other-${n}`, {}, { provider_config_key: 'other' });
    add('c-key', { type: 'API_KEY', apiKey: messageSecret });
    add('c-eve', second, { end_user: null, tags: { organization_id: 'acme', end_user_id: 'eve' } });
    nango.connections.push({ connection_id: 'c-broken', provider_config_key: key, credentials: 424 });

    const rehearsal = await fromNango('--dry-run', '--integration', key);
    expect(rehearsal).toMatchObject({ code: 1, stdout: expect.stringMatching(/^Dry run.* 2 lines: 2 created/) });
    expect((await service.api.get(`/connections/${key}`)).status).toBe(404);
    expect(await fromNango('--integration', key)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Stop the refreshes'),
    });

    nango.limitNext(2, '0');
    const { code, stdout, stderr } = await fromNango('--integration', key, '--refresh-stopped', '--json');
    // The broken connection is a grant that is missing.
    expect(code, stderr).toBe(1);
    const summary = JSON.parse(stdout);
    expect(summary).toMatchObject({ done: true, created: 2, failed: 0 });
    expect(summary.next).toEqual([expect.stringContaining(`/callback/${key}`)]);
    expect(summary.unmapped).toHaveLength(2);
    expect(summary.unmapped).toContainEqual({ from: `${key}/c-key`, reason: 'credentials of the type API_KEY' });
    expect(summary.unmapped).toContainEqual({
      from: `${key}/c-broken`,
      reason: 'its credentials cannot be read: Nango answered 424 refresh_token_external_error',
    });
    expect((await credential(`${key}?subject=c-ada`, 'acme')).body.access_token).toBe(first.access_token);
    expect((await refreshed(key, { subject: 'c-eve' }, 'acme')).status).toBe(200);
    // No other organisation sees them.
    expect((await credential(`${key}?subject=c-ada`, 'other')).status).toBe(404);
    // The broker has refreshed the second one: the copy of Nango is old, and replaces nothing.
    const again = await fromNango('--integration', key, '--refresh-stopped', '--ndjson');
    expect(linesOf(again).filter(({ line }) => line !== undefined)).toMatchObject([
      { from: `${key}/c-ada`, action: 'unchanged' },
      { from: `${key}/c-eve`, code: expect.toBeOneOf([null, 'grant_exists']) },
    ]);
  });

  test('a version without pages is read at once, and end users become subjects on request', async () => {
    const { key, clientId } = await addIntegration();
    const credentials = await oauth2(clientId, 'ada');
    nango.connections.push({ connection_id: 'c-1', provider_config_key: key, credentials, end_user: { id: 'ada' } });
    nango.hasPages = false;
    const result = await fromNango(
      '--integration',
      key,
      '--subject',
      'end-user',
      '--refresh-stopped',
      '--organization',
      'acme',
    );
    nango.hasPages = true;
    expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('1 created') });
    expect((await credential(`${key}?subject=ada`, 'acme')).body.access_token).toBe(credentials.access_token);
    expect((await service.api.get(`/connections/${key}`)).status).toBe(404);
  });

  test('a connection that exists with another client takes no grant', async () => {
    const { key, clientId } = await addIntegration();
    const credentials = await oauth2(clientId, 'ada');
    nango.connections.push({ connection_id: 'c-1', provider_config_key: key, credentials });
    const { authorization: authorization_url, token: token_url } = service.provider.endpoints;
    const body = { connection_name: key, client_id: 'another', client_secret: 's', authorization_url, token_url };
    expect((await service.api.post('/connections', body)).status).toBe(201);
    expect(await fromNango('--integration', key, '--refresh-stopped')).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('0 lines'),
      stderr: expect.stringContaining(`${key}/c-1: the connection ${key} exists with another client_id`),
    });
  });

  test('a wrong key ends the import and says which rights it needs', async () => {
    const args = ['import', '--from', 'nango', '--nango-url', nango.url, '--refresh-stopped'];
    expect(await scene.run(args, { NANGO_SECRET_KEY: 'wrong' })).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('environment:connections:list'),
    });
  });
});

describe('import --from n8n', () => {
  test('each credential becomes a connection with a grant that works', async () => {
    const { authorization: authUrl, token: accessTokenUrl } = service.provider.endpoints;
    const { clientId, clientSecret } = await newClient();
    const tokens = await newTokens(clientId, 'ada');
    const name = uniqueName('CRM of Ada');
    const connection = name.replaceAll(' ', '-');
    const client = {
      clientId,
      clientSecret,
      authUrl,
      accessTokenUrl,
      authentication: 'header',
      scope: 'openid offline_access',
    };
    const oauthTokenData = {
      access_token: tokens.accessToken,
      refresh_token: tokens.refreshToken,
      token_type: 'Bearer',
      expires_in: 3600,
    };
    const at = { createdAt: '2030-01-01T00:00:00.000Z', updatedAt: '2030-01-02T00:00:00.000Z' };
    const file = scene.write(
      'credentials.json',
      JSON.stringify([
        {
          id: '1',
          name,
          type: 'oAuth2Api',
          ...at,
          data: { ...client, grantType: 'authorizationCode', oauthTokenData },
        },
        {
          id: '2',
          name: `${name} machine`,
          type: 'oAuth2Api',
          ...at,
          data: { ...client, grantType: 'clientCredentials', scope: '' },
        },
        { id: '3', name: 'Header', type: 'httpHeaderAuth', ...at, data: { name: 'x', value: messageSecret } },
      ]),
    );
    const args = ['import', file, '--from', 'n8n', '--refresh-stopped', '--verify'];
    const { code, stdout, stderr } = await scene.run(args);
    expect(code, stderr).toBe(0);
    expect(stdout).toBe('1 line: 1 created, 0 replaced, 0 unchanged, 0 failed.\n');
    expect(stderr).toContain('httpHeaderAuth "Header": no OAuth 2.0');
    const served = await credential(connection);
    expect(served.status).toBe(200);
    // The old access token may have expired: the broker obtained a new one.
    expect(served.body.access_token).not.toBe(tokens.accessToken);
    expect((await credential(`${connection}-machine`)).status).toBe(200);
  });

  test('an encrypted export is refused with what to do', async () => {
    const file = scene.write(
      'encrypted.json',
      JSON.stringify({ id: '1', name: 'a', type: 'oAuth2Api', data: 'U2FsdGVkX1' }),
    );
    expect(await scene.run(['import', file, '--from', 'n8n', '--refresh-stopped'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('export it with --decrypted'),
    });
  });
});

describe('import --from vault-oauthapp', () => {
  test('servers become connections, and credentials become links that connect once', async () => {
    const { authorization: auth_code_url, token: token_url } = service.provider.endpoints;
    const { clientId, clientSecret } = await newClient();
    const server = uniqueName('crm');
    const provider_options = { auth_code_url, token_url, auth_style: 'in_header' };
    const file = scene.writeLines('oauthapp.ndjson', [
      { server, provider: 'custom', client_id: clientId, provider_options, auth_url_params: { prompt: 'consent' } },
      { server, credential: 'ada', scopes: ['openid', 'offline_access'] },
      { server: 'absent', credential: 'eve' },
    ]);
    const args = ['import', file, '--from', 'vault-oauthapp', '--json'];
    const withoutSecret = await scene.run(args);
    expect(withoutSecret).toMatchObject({ code: 1, stderr: expect.stringContaining('has no client secret') });
    expect(JSON.parse(withoutSecret.stdout).links).toEqual([]);

    const secrets = scene.write('secrets.json', JSON.stringify({ [server]: clientSecret }));
    const { stdout, stderr } = await scene.run([...args, '--client-secrets', secrets]);
    expect(stderr).toContain('credential eve: the file has no server absent');
    const { links } = JSON.parse(stdout);
    expect(links).toMatchObject([{ connection_name: server, subject: 'ada', authorization_url: expect.any(String) }]);
    const { body } = await service.api.get(`/connections/${server}`);
    await service.provider.addRedirectUri(clientId, body.redirect_uri);
    const page = await signIn(createBrowser(), links[0].authorization_url, { login: 'ada' });
    expect(page.body).toContain('Connected');
    expect((await credential(`${server}?subject=ada`)).status).toBe(200);
    const again = JSON.parse((await scene.run([...args, '--client-secrets', secrets])).stdout);
    expect(again.links).toMatchObject([{ subject: 'ada', authorization_url: null }]);
  });
});
