import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, expectStatus, openScene, type Scene, uniqueName } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene?.close());

describe('an organisation that uses the client of a global connection', () => {
  test('cannot have foreign tokens redeemed or revoked by it unless the owner consented to imports', async () => {
    const connection = await addConnection(scene, { body: { allow_import: false } });
    const { api } = await scene.newKey();
    const tokens = { access_token: 'stolen', refresh_token: 'stolen' };
    const before = scene.provider.received.length;
    expect(await api.post(`${connection.path}/grants`, tokens)).toMatchObject({
      status: 403,
      body: { code: 'import_not_allowed' },
    });
    const line = JSON.stringify({ connection_name: connection.name, organization_id: 'b', ...tokens });
    const headers = { 'content-type': 'application/x-ndjson' };
    const lines = await fetch(`${scene.url}/admin/import`, {
      method: 'POST',
      body: `${line}\n`,
      headers: { ...headers, authorization: `Bearer ${scene.adminKey}` },
    });
    expect(await lines.text()).toContain('import_not_allowed');
    expect((await api.get(`${connection.path}/grants`)).body.grants).toEqual([]);
    expect(scene.provider.received).toHaveLength(before);
    expectStatus(await scene.api.patch(connection.path, { allow_import: true }), 200);
    expectStatus(await api.post(`${connection.path}/grants`, tokens), 201);
  });

  test('sees none of its parameters, which may hold keys of the owner', async () => {
    const parameters = { authorize_params: { hint: 'of-the-owner' }, token_params: { api_key: 'of-the-owner' } };
    const connection = await addConnection(scene, { body: parameters });
    const { api } = await scene.newKey();
    for (const path of [connection.path, '/connections?include_global=true&limit=200'])
      expect(expectStatus(await api.get(path), 200).text).not.toContain('of-the-owner');
    expect((await scene.api.get(connection.path)).body).toMatchObject(parameters);
  });
});

describe('a parameter that replaces one of the protocol', () => {
  const names = [
    'request',
    'request_uri',
    'redirect_uri',
    'redirect_uri[]',
    'redirect.uri',
    '[redirect_uri',
    'REDIRECT_URI',
    'Response_Mode',
    'state[0]',
    'client_id',
    'client_secret',
    'grant_type',
    'refresh_token[]',
    'code_verifier',
    'code_challenge_method',
    'client_assertion',
  ];

  test.each(names)('%s is refused in authorize_params and token_params, on create and on edit', async (name) => {
    const connection = await addConnection(scene);
    for (const field of ['authorize_params', 'token_params']) {
      const change = { [field]: { [name]: 'x' } };
      const created = await scene.api.post('/connections', {
        connection_name: uniqueName(),
        client_id: 'c',
        ...change,
      });
      const edited = await scene.api.patch(connection.path, change);
      for (const { status, body, text } of [created, edited]) {
        expect({ status, code: body.code }, text).toEqual({ status: 400, code: 'invalid_request' });
        expect(text).toContain(field);
      }
    }
  });
});

describe('a workflow that is registered for a connection', () => {
  test('gives its caller no right to the tokens of it', async () => {
    const connection = await addConnection(scene, { organization: 'b' });
    const permissions = ['workflows:write', 'connections:read'];
    const { api } = await scene.newKey({ permissions });
    expectStatus(await api.post('/workflows/wf/dependencies', { connection_name: connection.name }), 201);
    const response = await api.get(connection.credential, { headers: { 'x-workflow-id': 'wf' } });
    expect(response).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  });
});

describe('a provider that echoes a secret', () => {
  test('the error code, the description and the scopes it sends reach no log, audit event or response as the secret', async () => {
    const connection = await addConnection(scene);
    const secret = 'refresh-token-that-is-echoed';
    expectStatus(await scene.api.post(`${connection.path}/grants`, { access_token: 'a', refresh_token: secret }), 201);
    scene.provider.script('/token', (response) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ error: secret, error_description: `${secret}\u0007\u202e`, error_uri: `https://x/${secret}` }),
      );
    });
    const refused = await scene.api.post(`${connection.path}/refresh`);
    const places = {
      response: refused.text,
      connection: (await scene.api.get(connection.path)).text,
      grants: (await scene.api.get(`${connection.path}/grants`)).text,
      audit: (await scene.api.get('/admin/audit-events?limit=200')).text,
      log: scene.broker.logs(),
    };
    for (const [place, text] of Object.entries(places)) {
      expect(text, place).not.toContain(secret);
      for (const hidden of ['\u0007', '\u202e', '\\u0007', '\\u202e']) expect(text, place).not.toContain(hidden);
    }
    expect(places.log).toContain('refresh failed');
  });
});
