import type { Api, ApiAnswer, ApiCall } from '../support/broker-api.ts';
import { createBrowser, type Hop } from '../support/browser.ts';
import { json, type Reply, text } from '../support/hostile-provider.ts';
import { canaries, canary, echo, tokensWith } from './canaries.ts';
import {
  addConnection,
  begin,
  type ConnectionOptions,
  expectStatus,
  type Scene,
  type TestConnection,
} from './scene.ts';

/** What the service showed where no secret belongs. */
export interface Shown {
  place: string;
  contents: string;
}

/** Runs everything there is to run, well and badly, with a canary for every secret; resolves to what was shown. */
export async function runEveryFlow(plain: Scene): Promise<Shown[]> {
  const shown: Shown[] = [];
  const scene = { ...plain, api: withKey(plain, plain.adminKey) };

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
      const carries = response.ok && /credentials|authorize|api-keys/.test(path);
      if (!carries) shown.push({ place: `${method} ${path} ${response.status}`, contents });
      shown.push({ place: `headers of ${method} ${path}`, contents: JSON.stringify([...response.headers]) });
      const isJson = /json/.test(response.headers.get('content-type') ?? '');
      return {
        ...response,
        status: response.status,
        headers: response.headers,
        text: contents,
        body: isJson ? JSON.parse(contents) : {},
      } as ApiAnswer;
    };
    return {
      call,
      get: (path, options) => call('GET', path, options),
      post: (path, body, options) => call('POST', path, { ...options, body }),
      patch: (path, body, options) => call('PATCH', path, { ...options, body }),
      delete: (path, options) => call('DELETE', path, options),
    };
  }

  const secretly = ({ body, ...rest }: ConnectionOptions = {}) =>
    addConnection(scene, { ...rest, body: { client_secret: canary('clientsecret'), ...body } });

  function look(place: string, { status, headers, body }: Hop): void {
    shown.push({ place: `${place}: page ${status}`, contents: body });
    // Its own state goes to the provider in the Location of the link alone.
    shown.push({
      place: `${place}: headers`,
      contents: JSON.stringify([...headers].filter(([name]) => name !== 'location')),
    });
  }

  async function walk(place: string, connection: TestConnection, parameters?: Record<string, string>) {
    const trip = await begin(scene, connection);
    canaries.set(trip.state, 'state');
    const hop = await trip.comeBack(parameters ?? { code: canary('code') });
    look(place, hop);
    look(`${place}, replayed`, await trip.comeBack({ code: canary('code') }));
    look(`${place}, foreign`, await trip.comeBack({ code: canary('code') }, createBrowser()));
    const request = scene.provider.received.findLast(({ path }) => path === '/token');
    const verifier = new URLSearchParams(request?.body).get('code_verifier');
    if (verifier !== null) canaries.set(verifier, 'verifier');
  }

  async function everyFlow(): Promise<void> {
    const { provider } = scene;
    provider.script('/token', tokensWith());
    provider.script('/me', json(200, { sub: 'ada', name: 'Ada' }));
    const connection = await secretly({ organization: 'a' });
    const asA = { organization: 'a' };
    await walk('connected', connection);
    await scene.api.get(connection.path, asA);
    await scene.api.get('/connections', asA);
    await scene.api.get(`${connection.path}/grants`, asA);
    for (const verb of ['test', 'refresh', 'revoke']) await scene.api.post(`${connection.path}/${verb}`, {}, asA);
    await failingProvider(connection, asA);
    await imported();
    await brokenRequests(connection);
    const failing = await secretly({ body: { oauth_flow_type: 'client_credentials' } });
    provider.script('/token', echo(401, 'invalid_client'));
    await scene.api.post(`${failing.path}/refresh`);
    await secretly({ body: { oauth_flow_type: 'client_credentials' } });
    const made = await scene.api.post('/admin/api-keys', {
      name: 'k',
      permissions: ['admin:read'],
      organizations: '*',
    });
    const key = String(made.body.key);
    canaries.set(key.slice(-43), 'api key');
    await withKey(scene, key).get('/admin/api-keys', asA);
    await withKey(scene, canary('wrongkey')).get('/connections');
    await scene.api.get('/health');
    await scene.api.get('/docs');
  }

  async function failingProvider(connection: TestConnection, asA: ApiCall): Promise<void> {
    const { provider } = scene;
    const failures: [string, Reply][] = [
      ['invalid_grant', echo(400, 'invalid_grant')],
      ['invalid_client', echo(401, 'invalid_client')],
      ['a code that is a secret', echo(400, [...canaries.keys()].join('.').slice(0, 300))],
      ['500', echo(500, 'server_error')],
      ['html', text(200, `<html>${[...canaries.keys()].join(' ')}`)],
      ['cut json', text(200, `{"access_token":"${canary('access')}",`, { 'content-type': 'application/json' })],
      ['header injection', json(200, { access_token: `${canary('access')}\r\nx: y` })],
      ['wrong types', json(200, { access_token: [canary('access')], refresh_token: { a: canary('refresh') } })],
      ['location', text(307, '', { location: `https://evil.test/?${canary('access')}` })],
      ['dropped', (response) => response.socket?.destroy()],
      ['hanging', () => {}],
    ];
    for (const [name, reply] of failures) {
      provider.script('/token', reply);
      await walk(name, connection);
    }
    provider.script('/token', tokensWith());
    provider.script('/me', echo(401, 'invalid_token'));
    await walk('a refused token', connection);
    provider.script('/me', json(200, { sub: 'ada' }));
    await walk('denied', connection, { error: 'access_denied', error_description: canary('description') });
    await walk('odd error', connection, { error: `${canary('error')}${canary('error')}` });
    await walk('token in the query', connection, { access_token: canary('access') });
    await walk('working', connection);
    provider.script('/revoke', echo(503, 'server_error'));
    for (const reply of [echo(400, 'invalid_grant'), echo(503, 'x'), text(200, '<html>')]) {
      provider.script('/token', reply);
      await scene.api.post(`${connection.path}/refresh`, {}, asA);
      await scene.api.get(`/credentials/${connection.name}?min_ttl=3590`, asA);
    }
    await scene.api.post(`${connection.path}/revoke`, { reason: 'over' }, asA);
  }

  async function imported(): Promise<void> {
    scene.provider.script('/token', tokensWith());
    const connection = await secretly();
    const extra = { instance_url: canary('extra'), id_token: canary('extra') };
    const body = { access_token: canary('access'), refresh_token: canary('refresh'), extra };
    expectStatus(await scene.api.post(`${connection.path}/grants`, body), 201);
    expectStatus(await scene.api.get(connection.credential), 200);
    await scene.api.post(`${connection.credential}/renew`, { rejected_token: body.access_token });
    await scene.api.patch(connection.path, { client_secret: canary('clientsecret') });
    await scene.api.delete(connection.path);
  }

  async function brokenRequests({ name }: { name: string }): Promise<void> {
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
      look('a wrong address', await createBrowser().send('GET', new URL(`${scene.url}${path}`)));
  }

  await everyFlow();
  return shown;
}
