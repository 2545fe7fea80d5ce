import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createTokenBroker,
  NotFound,
  NotReady,
  type TokenBroker,
  TokenBrokerError,
  Unavailable,
} from '../../src/client/token-broker.ts';
import { openService, type Service, uniqueName } from '../contract/service.ts';
import { createBrowser } from '../support/browser/browser.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';
import { freePort } from '../support/processes/free-port.ts';
import { type HostileProvider, json, type Reply, startHostileProvider } from '../support/provider/hostile-provider.ts';
import { addConnection, connect, importGrant, type TestConnection } from './connections.ts';

let service: Service;
let other: HostileProvider;
let broker: TokenBroker;
let urls: string[] = [];

beforeAll(async () => {
  service = await openService({ PROVIDER_RETRIES: '0' });
  other = await startHostileProvider();
  broker = open();
});
afterAll(async () => {
  await other?.close();
  await service?.close();
});

/** A client of its own, without tokens in memory. Its calls are listed in `urls`. */
function open(key = service.stack.adminKey()): TokenBroker {
  urls = [];
  const listed: typeof fetch = (input, init) => {
    urls.push(String(input));
    return fetch(input, init);
  };
  return createTokenBroker({ url: service.broker.url, key, fetch: listed, timeoutMs: 25_000 });
}

test('a person connects through a link of the client, and the token works at the provider', async () => {
  const { name } = await addConnection(service);
  const notReady = await broker.credential(name).catch((error: unknown) => error);
  expect(notReady).toBeInstanceOf(NotReady);
  expect(notReady).toMatchObject({ nextAction: 'authorize', members: { connection_status: 'not_connected' } });
  const { authorization_url, state } = await broker.authorize(name, { subject: 'user-42' });
  const waiting = broker.waitFor(state, { intervalMs: 100 });
  await signIn(createBrowser(), authorization_url, { login: 'ada' });
  expect(await waiting).toMatchObject({ status: 'completed', connection_name: name, subject: 'user-42' });
  const response = await broker.fetchWith(name, { subject: 'user-42' })(service.provider.endpoints.userinfo);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ sub: 'ada' });
  expect((await broker.connections.listGrants(name)).grants).toMatchObject([
    { subject: 'user-42', status: 'completed' },
  ]);
});

test('a call survives that its token is revoked under it', async () => {
  const connection = await addConnection(service);
  await connect(service, connection, 'ada');
  const client = open();
  const call = client.fetchWith(connection.name);
  const { access_token: first } = await client.credential(connection.name);
  service.provider.forgetAccessTokens();
  expect(await service.provider.accepts(first)).toBe(false);
  expect((await call(service.provider.endpoints.userinfo)).status).toBe(200);
  expect((await client.credential(connection.name)).access_token).not.toBe(first);
  expect(urls.filter((url) => url.endsWith('/renew'))).toHaveLength(1);
});

test('100 parallel calls make one request', async () => {
  const connection = await addConnection(service);
  const { accessToken } = await importGrant(service, connection, 86_400);
  const client = open();
  const found = await Promise.all(Array.from({ length: 100 }, () => client.credential(connection.name)));
  expect(found.map(({ access_token }) => access_token)).toEqual(Array(100).fill(accessToken));
  expect(urls).toHaveLength(1);
});

describe('a redirect of the provider’s API', () => {
  const redirect =
    (location: string): Reply =>
    (response) => {
      response.writeHead(302, { location }).end();
    };

  test('to another origin loses the token; within the origin it keeps it', async () => {
    const connection = await addConnection(service);
    const { accessToken } = await importGrant(service, connection, 86_400);
    const { hostile } = service;
    hostile.script('/old', redirect('/new'));
    hostile.script('/new', redirect(`${other.origin}/file`));
    other.script('/file', json(200, { content: 'here' }));
    const response = await broker.fetchWith(connection.name)(`${hostile.origin}/old`);
    expect(await response.json()).toEqual({ content: 'here' });
    const tokens = hostile.received.slice(-2).map(({ headers }) => headers.authorization);
    expect(tokens).toEqual([`Bearer ${accessToken}`, `Bearer ${accessToken}`]);
    expect(other.received.at(-1)?.headers.authorization).toBeUndefined();
  });
});

test('connections are created, previewed, edited and deleted with the fields of the API', async () => {
  const name = uniqueName();
  const { authorization, token } = service.provider.endpoints;
  const created = await broker.connections.create({
    connection_name: name,
    client_id: 'id',
    client_secret: 'secret',
    authorization_url: authorization,
    token_url: token,
    scopes: 'openid',
  });
  expect(created).toMatchObject({ connection_name: name, has_client_secret: true, scopes: ['openid'] });
  const preview = await broker.connections.preview.edit(name, { description: 'new' });
  expect(preview.changes).toEqual([{ field: 'description', from: null, to: 'new' }]);
  expect((await broker.connections.get(name)).description).toBeNull();
  const ifMatch = (await broker.response('GET', `/connections/${name}`)).headers.get('etag') ?? '';
  await broker.connections.edit(name, { description: 'new' }, { ifMatch });
  await expect(broker.connections.edit(name, {}, { ifMatch })).rejects.toMatchObject({ code: 'precondition_failed' });
  expect((await broker.connections.list({ q: name })).connections).toMatchObject([{ description: 'new' }]);
  expect((await broker.connections.delete(name)).disabled_workflows).toEqual([]);
  await expect(broker.connections.get(name)).rejects.toBeInstanceOf(NotFound);
});

test('an organisation selects its own connection, and explain says which one', async () => {
  const connection = await addConnection(service, { organization: 'acme' });
  await importGrant(service, connection, 86_400);
  const acme = broker.withOptions({ organization: 'acme' });
  expect(await acme.credential(connection.name)).toMatchObject({ organization_id: 'acme' });
  await expect(broker.credential(connection.name)).rejects.toBeInstanceOf(NotFound);
  const { steps, answer } = await acme.explain(connection.name);
  expect(answer).toEqual({ status: 200, code: null, next_action: 'none' });
  expect(steps.map(({ step }) => step)).toContain('grant');
});

test('the events of the audit trail come as a stream of lines', async () => {
  const { name } = await addConnection(service);
  const headers = { accept: 'application/x-ndjson' };
  const response = await broker.response('GET', '/admin/audit-events', { query: { connection_name: name }, headers });
  const lines = (await response.text()).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).action)).toContain('connection.created');
});

describe('problems of the service arrive as their class', () => {
  type Class = typeof TokenBrokerError;
  type Failing = (connection: TestConnection) => Promise<unknown>;
  const cases: [code: string, status: number, expected: Class, failing: Failing][] = [
    ['connection_not_found', 404, NotFound, () => broker.credential('absent')],
    ['grant_not_found', 404, NotFound, ({ name }) => broker.credential(name, { subject: 'absent' })],
    ['not_found', 404, NotFound, () => broker.waitFor('absent')],
    ['connection_not_ready', 503, NotReady, ({ name }) => broker.credential(name)],
    ['unauthorized', 401, TokenBrokerError, ({ name }) => broker.withOptions({ key: 'wrong' }).credential(name)],
    ['invalid_request', 400, TokenBrokerError, () => broker.request('GET', '/connections', { query: { limitt: 1 } })],
    ['method_not_allowed', 405, TokenBrokerError, () => broker.request('DELETE', '/connections')],
    [
      'connection_exists',
      409,
      TokenBrokerError,
      ({ name }) =>
        broker.connections.create({
          connection_name: name,
          client_id: 'i',
          authorization_url: 'https://a.example',
          token_url: 'https://a.example',
        }),
    ],
  ];
  test.each(cases)('%s', async (code, status, expected, failing) => {
    const error = await failing(await addConnection(service)).catch((reason: unknown) => reason);
    expect((error as object).constructor).toBe(expected);
    expect(error).toMatchObject({ code, status, requestId: expect.stringMatching(/.+/) });
  });

  test('provider_unavailable, with the time to wait', async () => {
    const connection = await addConnection(service);
    await importGrant(service, connection, 86_400);
    const client = open().withOptions({ retries: 0 });
    const { access_token } = await client.credential(connection.name);
    await service.provider.setOutage('unavailable');
    try {
      const error = await client.renew(connection.name, access_token).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(Unavailable);
      expect(error).toMatchObject({ code: 'provider_unavailable', nextAction: 'wait' });
      expect((error as Unavailable).retryAfter).toBeGreaterThan(0);
    } finally {
      await service.provider.setOutage('none');
    }
  });
});

test('a broker that does not run is Unavailable', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const error = await broker
    .withOptions({ url })
    .credential('crm')
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Unavailable);
  expect(error).toMatchObject({ code: 'network_error', status: 0 });
});
