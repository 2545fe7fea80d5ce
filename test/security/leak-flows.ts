import { createBrowser, type Hop } from '../support/browser/browser.ts';
import type { Api, ApiCall, ApiResponse } from '../support/http/broker-api.ts';
import { json, type Reply, text } from '../support/provider/hostile-provider.ts';
import { canaries, canary, canaryTokens, echo } from './canaries.ts';
import { runOtherOperations, runRemainingOperations } from './leak-operations.ts';
import {
  addConnection,
  type ConnectionOptions,
  callbackUrl,
  expectStatus,
  openAuthorization,
  type Scene,
  type TestConnection,
} from './scene.ts';

/** Text that the service put out at a place where no secret belongs. */
export interface Output {
  place: string;
  contents: string;
}

/** Runs every flow with its failures, using a canary for each secret. Resolves to the output to search. */
export async function runEveryFlow(original: Scene): Promise<Output[]> {
  const outputs: Output[] = [];
  const scene = { ...original, api: withKey(original, original.adminKey) };

  function withKey({ url }: Scene, key: string): Api {
    const call = async (method: string, path: string, { body, organization, headers = {} }: ApiCall = {}) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(organization === undefined ? {} : { 'x-organization-id': organization }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const contents = await response.text();
      const mayCarrySecrets = response.ok && /credentials|authorize|api-keys/.test(path);
      if (!mayCarrySecrets) outputs.push({ place: `${method} ${path} ${response.status}`, contents });
      outputs.push({ place: `headers of ${method} ${path}`, contents: JSON.stringify([...response.headers]) });
      const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
      return {
        ...response,
        status: response.status,
        headers: response.headers,
        text: contents,
        body: isJson ? JSON.parse(contents) : {},
      } as ApiResponse;
    };
    return {
      call,
      get: (path, options) => call('GET', path, options),
      post: (path, body, options) => call('POST', path, { ...options, body }),
      patch: (path, body, options) => call('PATCH', path, { ...options, body }),
      delete: (path, options) => call('DELETE', path, options),
    };
  }

  const addCanaryConnection = ({ body, ...rest }: ConnectionOptions = {}) =>
    addConnection(scene, { ...rest, body: { client_secret: canary('clientsecret'), ...body } });

  function recordPage(place: string, { status, headers, body }: Hop): void {
    outputs.push({ place: `${place}: page ${status}`, contents: body });
    // The Location header must carry state to the provider, so it is the one header left out.
    outputs.push({
      place: `${place}: headers`,
      contents: JSON.stringify([...headers].filter(([name]) => name !== 'location')),
    });
  }

  async function authorize(place: string, connection: TestConnection, parameters?: Record<string, string>) {
    const authorization = await openAuthorization(scene, connection);
    canaries.set(authorization.state, 'state');
    const form = new URLSearchParams({ state: authorization.state, code: canary('code') });
    recordPage(`${place}, posted`, await createBrowser().send('POST', callbackUrl(connection, {}), form));
    const hop = await authorization.sendCallback(parameters ?? { code: canary('code') });
    recordPage(place, hop);
    recordPage(`${place}, replayed`, await authorization.sendCallback({ code: canary('code') }));
    recordPage(
      `${place}, from another browser`,
      await authorization.sendCallback({ code: canary('code') }, createBrowser()),
    );
    await scene.api.get(`/authorizations/${authorization.state}`, { organization: connection.organization });
    const request = scene.provider.received.findLast(({ path }) => path === '/token');
    const verifier = new URLSearchParams(request?.body).get('code_verifier');
    if (verifier !== null) canaries.set(verifier, 'verifier');
  }

  async function everyFlow(): Promise<void> {
    const { provider } = scene;
    provider.script('/token', canaryTokens());
    provider.script('/me', json(200, { sub: 'ada', name: 'Ada' }));
    const connection = await addCanaryConnection({ organization: 'a' });
    const asA = { organization: 'a' };
    await authorize('connected', connection);
    await scene.api.get(connection.path, asA);
    await scene.api.get('/connections', asA);
    await scene.api.get(`${connection.path}/grants`, asA);
    for (const verb of ['test', 'refresh', 'revoke']) await scene.api.post(`${connection.path}/${verb}`, {}, asA);
    await providerFailures(connection, asA);
    await importFlows();
    const other = await addCanaryConnection(asA);
    provider.script('/token', canaryTokens({ id_token: canary('idtoken'), nested: { a: [canary('extra')] } }));
    await authorize('more members', other);
    await runOtherOperations(scene.api, other);
    await invalidRequests(connection);
    const failing = await addCanaryConnection({ body: { oauth_flow_type: 'client_credentials' } });
    provider.script('/token', echo(401, 'invalid_client'));
    await scene.api.post(`${failing.path}/refresh`);
    await addCanaryConnection({ body: { oauth_flow_type: 'client_credentials' } });
    const created = await scene.api.post('/admin/api-keys', {
      name: 'k',
      permissions: ['admin:read'],
      organizations: '*',
    });
    const key = String(created.body.key);
    canaries.set(key.slice(-43), 'api key');
    await withKey(scene, key).get('/admin/api-keys', asA);
    await withKey(scene, canary('wrongkey')).get('/connections');
    await scene.api.get('/health');
    await scene.api.get('/docs');
    await runRemainingOperations(scene.api, other, scene.broker.logs());
  }

  async function providerFailures(connection: TestConnection, asA: ApiCall): Promise<void> {
    const { provider } = scene;
    const failures: [string, Reply][] = [
      ['invalid_grant', echo(400, 'invalid_grant')],
      ['invalid_client', echo(401, 'invalid_client')],
      ['an error code made of secrets', echo(400, [...canaries.keys()].join('.').slice(0, 300))],
      ['500', echo(500, 'server_error')],
      ['html', text(200, `<html>${[...canaries.keys()].join(' ')}`)],
      ['truncated json', text(200, `{"access_token":"${canary('access')}",`, { 'content-type': 'application/json' })],
      ['header injection', json(200, { access_token: `${canary('access')}\r\nx: y` })],
      ['wrong types', json(200, { access_token: [canary('access')], refresh_token: { a: canary('refresh') } })],
      ['location', text(307, '', { location: `https://evil.test/?${canary('access')}` })],
      ['dropped', (response) => response.socket?.destroy()],
      ['hanging', () => {}],
    ];
    for (const [name, reply] of failures) {
      provider.script('/token', reply);
      await authorize(name, connection);
    }
    provider.script('/token', canaryTokens());
    provider.script('/me', echo(401, 'invalid_token'));
    await authorize('a token that the test request refuses', connection);
    provider.script('/me', json(200, { sub: 'ada' }));
    await authorize('denied', connection, { error: 'access_denied', error_description: 'The person refused.' });
    await authorize('unknown error', connection, { error: `${canary('error')}${canary('error')}` });
    await authorize('token in the query', connection, { access_token: canary('access') });
    await authorize('working', connection);
    provider.script('/revoke', echo(503, 'server_error'));
    for (const reply of [echo(400, 'invalid_grant'), echo(503, 'x'), text(200, '<html>')]) {
      provider.script('/token', reply);
      await scene.api.post(`${connection.path}/refresh`, {}, asA);
      await scene.api.get(`/credentials/${connection.name}?min_ttl=3590`, asA);
    }
    await scene.api.post(`${connection.path}/revoke`, { reason: 'over' }, asA);
  }

  async function importFlows(): Promise<void> {
    scene.provider.script('/token', canaryTokens());
    const connection = await addCanaryConnection();
    await authorize('global', connection);
    const extra = { instance_url: canary('extra'), id_token: canary('extra') };
    const body = { access_token: canary('access'), refresh_token: canary('refresh'), extra };
    expectStatus(await scene.api.post(`${connection.path}/grants`, body), 201);
    expectStatus(await scene.api.get(connection.credential), 200);
    await scene.api.post(`${connection.credential}/renew`, { rejected_token: body.access_token });
    await scene.api.patch(connection.path, { client_secret: canary('clientsecret') });
    await scene.api.delete(connection.path);
  }

  async function invalidRequests({ name }: { name: string }): Promise<void> {
    const { api } = scene;
    const secret = canary('clientsecret');
    const bodies: unknown[] = [
      `{"client_secret":"${secret}`,
      `{"connection_name":"x","client_id":"x","client_secret":"${secret}",}`,
      { connection_name: name, client_id: 'x', client_secret: `${secret}\0` },
      { connection_name: '!', client_secret: secret, surprise: secret },
      { connection_name: 'y', client_id: 'x', client_secret: secret, authorization_url: `https://u:${secret}@p.test` },
      { connection_name: 'y', client_id: 'x', client_secret: secret, token_url: 'nonsense' },
    ];
    for (const body of bodies) await api.post('/connections', body);
    await api.post(`/connections/${name}/grants`, { access_token: `${canary('access')}\n`, refresh_token: 5 });
    await api.post(`/credentials/${name}/renew`, { rejected_token: canary('access'), surprise: canary('access') });
    await api.get(`/credentials/${name}?access_token=${canary('access')}&min_ttl=x`);
    for (const path of [`/${canary('access')}`, `/authorize/${canary('state')}`, `/callback/x?code=${canary('code')}`])
      recordPage('an unknown address', await createBrowser().send('GET', new URL(`${scene.url}${path}`)));
  }

  await everyFlow();
  return outputs;
}
