import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { json } from '../support/provider/hostile-provider.ts';
import {
  addConnection,
  connect,
  expectStatus,
  openAuthorization,
  openScene,
  type Scene,
  scriptCorrectReplies,
  tokenRequests,
} from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterEach(() => scriptCorrectReplies(scene.provider));
afterAll(() => scene?.close());

const outcome = async (state: string) => (await scene.api.get(`/authorizations/${state}`)).body;
const lastTokenRequest = () =>
  new URLSearchParams(scene.provider.received.findLast(({ path }) => path === '/token')?.body);

describe('a state that leaks', () => {
  test('a stolen copy of the database holds no state that a callback could use', async () => {
    const { state } = await openAuthorization(scene, await addConnection(scene));
    const stored = JSON.stringify(await scene.rows('select row_to_json(a) from authorizations a'));
    for (const form of [state, Buffer.from(state).toString('hex'), Buffer.from(state, 'base64url').toString('hex')])
      expect(stored).not.toContain(form);
  });

  test('an authorization ends after minutes, and a callback after its end sends no token request', async () => {
    const authorization = await openAuthorization(scene, await addConnection(scene));
    const lifetimes = await scene.rows(
      'select extract(epoch from expires_at - created_at)::int as s from authorizations',
    );
    for (const { s } of lifetimes) expect(s).toBeLessThanOrEqual(900);
    await scene.rows(`update authorizations set created_at = created_at - interval '1 day',
      expires_at = now() - interval '1 second' where status in ('pending', 'waiting_callback')`);
    const before = tokenRequests(scene.provider);
    expect((await authorization.sendCallback()).body).not.toContain('Connected');
    expect(tokenRequests(scene.provider)).toBe(before);
    expect(await outcome(authorization.state)).toMatchObject({ status_reason: 'authorization_expired' });
  });
});

describe('mix-up of issuers', () => {
  const issuer = 'https://issuer.test/tenant';

  test.each<[string, Record<string, string>]>([
    ['no iss, although the provider always sends one', {}],
    ['an empty iss', { iss: '' }],
    ['a slash after the iss', { iss: `${issuer}/` }],
    ['the iss in other letters', { iss: issuer.toUpperCase() }],
    ['the origin of the iss alone', { iss: 'https://issuer.test' }],
    ['the iss of another tenant', { iss: 'https://issuer.test/other' }],
    ['a percent-encoded iss', { iss: encodeURIComponent(issuer) }],
  ])('a callback with %s never reaches the token endpoint', async (_, parameters) => {
    const connection = await addConnection(scene, { body: { variables: { issuer } } });
    const authorization = await openAuthorization(scene, connection);
    const before = tokenRequests(scene.provider);
    expect((await authorization.sendCallback({ code: 'c', ...parameters })).status).toBe(400);
    expect(tokenRequests(scene.provider)).toBe(before);
    const again = await openAuthorization(scene, connection);
    expect((await again.sendCallback({ code: 'c', iss: issuer })).body).toContain('Connected');
  });
});

describe('an edit during an authorization', () => {
  test.each<[string, Record<string, unknown>]>([
    ['token_url', { token_url: 'https://thief.test/token' }],
    ['authorization_url', { authorization_url: 'https://thief.test/authorize' }],
    ['client_id', { client_id: 'of-the-thief' }],
    ['token_auth_method', { token_auth_method: 'client_secret_post' }],
    ['variables', { variables: { issuer: 'https://thief.test' } }],
  ])('after an edit of %s neither link nor callback of before is followed, and no code is sent', async (_, edit) => {
    const connection = await addConnection(scene);
    const opened = await openAuthorization(scene, connection);
    const started = expectStatus(await scene.api.post(`${connection.path}/authorize`, { subject: 'later' }), 200).body;
    const before = scene.provider.received.length;
    expectStatus(await scene.api.patch(connection.path, { ...edit, client_secret: connection.secret }), 200);
    expect((await opened.sendCallback()).status).toBe(400);
    expect((await opened.browser.send('GET', new URL(started.authorization_url))).status).toBe(400);
    expect(scene.provider.received).toHaveLength(before);
    for (const state of [opened.state, started.state])
      expect(await outcome(state)).toMatchObject({ status: 'failed', status_reason: 'configuration_changed' });
  });

  test('an edit while the code is exchanged makes no grant: its token came from the client of before', async () => {
    const connection = await addConnection(scene);
    const authorization = await openAuthorization(scene, connection);
    const release = new Promise<() => void>((resolve) => {
      scene.provider.script('/token', (response) =>
        resolve(() => json(200, { access_token: 'of-before', expires_in: 3600 })(response)),
      );
    });
    const callback = authorization.sendCallback();
    const respond = await release;
    const edit = { client_id: 'another', client_secret: 'another' };
    expectStatus(await scene.api.patch(connection.path, edit), 200);
    respond();
    expect((await callback).body).toContain('Not connected');
    expect(await outcome(authorization.state)).toMatchObject({ status_reason: 'configuration_changed' });
    expect((await scene.api.get(`${connection.path}/grants`)).body.grants).toEqual([]);
    expect((await scene.api.get(connection.credential)).status).toBe(503);
  });
});

describe('a refresh token that is used twice or lost', () => {
  test('a new refresh token replaces the old one, which is never sent again; an absent one keeps the old', async () => {
    const connection = await addConnection(scene);
    const tokens = [{ refresh_token: 'r1' }, { refresh_token: 'r2' }, {}, { refresh_token: 'r3' }];
    const [first, ...later] = tokens.map((each, at) =>
      json(200, { access_token: `a${at}`, expires_in: 3600, ...each }),
    );
    scene.provider.script('/token', first ?? json(500, {}), ...later);
    await connect(scene, connection);
    const sent: (string | null)[] = [];
    for (const _ of [1, 2, 3]) {
      expectStatus(await scene.api.post(`${connection.path}/refresh`), 200);
      sent.push(lastTokenRequest().get('refresh_token'));
    }
    expect(sent).toEqual(['r1', 'r2', 'r2']);
  });
});

describe('rights of a token that differ from the requested ones', () => {
  test('scopes that the provider did not grant are shown to the caller, and the granted ones are returned', async () => {
    const connection = await addConnection(scene, { body: { scopes: ['read', 'write'] } });
    scene.provider.script(
      '/token',
      json(200, { access_token: 'a', refresh_token: 'r', scope: 'read', expires_in: 60 }),
    );
    await connect(scene, connection);
    const { body } = expectStatus(await scene.api.get(`${connection.credential}?min_ttl=0`), 200);
    expect(body.scopes).toEqual(['read']);
    const shown = (await scene.api.get(connection.path)).body.warnings as unknown as {
      code: string;
      message: string;
    }[];
    const narrowed = shown.find(({ code }) => code === 'scopes_narrowed');
    expect(narrowed?.message).toContain('write');
    expect((await scene.api.get(`${connection.credential}?scopes=write&min_ttl=0`)).status).not.toBe(200);
  });

  test('the audience that limits a token is sent with the authorization, the code and the refresh token', async () => {
    const limits = { resource: 'https://api.test/', audience: 'api' };
    const connection = await addConnection(scene, { body: { authorize_params: limits, token_params: limits } });
    const authorization = await openAuthorization(scene, connection);
    expect(Object.fromEntries(authorization.authorizationRequest.searchParams)).toMatchObject(limits);
    await authorization.sendCallback();
    expect(Object.fromEntries(lastTokenRequest())).toMatchObject({ ...limits, grant_type: 'authorization_code' });
    expectStatus(await scene.api.post(`${connection.path}/refresh`), 200);
    expect(Object.fromEntries(lastTokenRequest())).toMatchObject({ ...limits, grant_type: 'refresh_token' });
  });
});

describe('an account that the provider did not name', () => {
  test('a reconnect whose provider names no account is refused, whatever callback and caller say', async () => {
    const connection = await addConnection(scene);
    await connect(scene, connection);
    const before = (await scene.api.get(connection.credential)).body.access_token;
    scene.provider.script('/me', json(200, { name: 'Ada' }));
    const attempts = [{}, { account_id: 'ada' }];
    for (const body of attempts) {
      const authorization = await openAuthorization(scene, connection, body);
      const claimed = { code: 'c', sub: 'ada', account_id: 'ada', realmId: 'ada' };
      expect((await authorization.sendCallback(claimed)).body).toContain('Not connected');
      expect(await outcome(authorization.state)).toMatchObject({ status_reason: 'account_mismatch' });
    }
    expect((await scene.api.get(connection.credential)).body.access_token).toBe(before);
  });

  test('an account from the query of a callback replaces no grant, also if it names the expected one', async () => {
    const connection = await addConnection(scene, { body: { provider: 'quickbooks', test_url: null } });
    const first = await openAuthorization(scene, connection);
    expect((await first.sendCallback({ code: 'c', realmId: '1' })).body).toContain('Connected');
    const { access_token, account_id } = (await scene.api.get(connection.credential)).body;
    expect(account_id).toBe('1');
    for (const realmId of ['2', '1']) {
      const authorization = await openAuthorization(scene, connection);
      await authorization.sendCallback({ code: 'c', realmId });
      expect(await outcome(authorization.state), realmId).toMatchObject({ status_reason: 'account_mismatch' });
    }
    expect((await scene.api.get(connection.credential)).body).toMatchObject({ access_token, account_id: '1' });
  });
});
