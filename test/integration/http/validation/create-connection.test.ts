import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NewConnection } from '../../../../src/broker/connections/create-connection.ts';
import { connectionView, createHttpFixture, type HttpFixture } from '../../../support/http/server-fixture.ts';
import { faultPaths } from './fault-paths.ts';

let fixture: HttpFixture;
const created: NewConnection[] = [];

beforeAll(async () => {
  fixture = await createHttpFixture({
    createConnection: async (_actor, input) => {
      created.push(input);
      return connectionView();
    },
  });
});
afterAll(() => fixture.app.close());

const minimal = { connection_name: 'crm', client_id: 'client' };
const create = (payload: object) => fixture.call({ method: 'POST', url: '/connections', payload });

test('creating a connection reports every fault at once by its dotted path', async () => {
  const payload = {
    connection_name: 'no spaces',
    oauth_flow_type: 'implicit',
    client_secret: '',
    authorization_url: 'ftp://x',
    token_url: 'https://',
    scopes: ['good', 'ba"d'],
    authorize_params: { 'no spaces': 'x', empty: '' },
    token_params: ['x'],
    variables: { ok: 1 },
    multi_account: 'yes',
    surprise: 1,
  };
  expect(await faultPaths(fixture, { method: 'POST', url: '/connections', payload })).toEqual([
    'authorization_url',
    'authorize_params.empty',
    'authorize_params.no spaces',
    'client_id',
    'client_secret',
    'connection_name',
    'multi_account',
    'oauth_flow_type',
    'scopes.1',
    'surprise',
    'token_params',
    'token_url',
    'variables.ok',
  ]);
});

test.each([
  ['description', 'a\0b'],
  ['description', '\ud800'],
  ['description', 'x'.repeat(2001)],
  ['client_id', 'a\nb'],
  ['client_id', 'x'.repeat(513)],
  ['client_secret', 'x'.repeat(32_769)],
  ['client_secret', 'a\0b'],
  ['token_url', `https://a.example/${'x'.repeat(2048)}`],
  ['token_url', 'https://a.example/\tb'],
  ['token_url', 'https://a.example\\@evil.example'],
  ['scopes', 'x'.repeat(20_001)],
  ['scopes', 7],
  ['provider', '../x'],
])('a connection field %s that is malformed, too long or cannot be stored is refused (%#)', async (field, value) => {
  const payload = { ...minimal, [field]: value };
  expect(await faultPaths(fixture, { method: 'POST', url: '/connections', payload })).toEqual([field]);
});

test('a new connection defaults to generic, authorization_code, one account, shared, and the scopes of the template', async () => {
  await create(minimal);
  expect(created.at(-1)).toEqual({
    name: 'crm',
    clientSecret: null,
    settings: {
      provider: 'generic',
      flow: 'authorization_code',
      clientId: 'client',
      authorizationUrl: null,
      tokenUrl: null,
      revocationUrl: null,
      testUrl: null,
      tokenAuthMethod: null,
      variables: {},
      scopes: null,
      authorizeParams: {},
      tokenParams: {},
      managedBy: null,
      multiAccount: false,
      shareWithOrganizations: true,
      allowImport: false,
      pkce: null,
      terminalErrors: [],
      errorPath: null,
      description: null,
    },
  });
});

test.each([
  ['one string with spaces and commas', 'a, b  c,a'],
  ['an array', ['a', 'b', 'c', 'b']],
])('the scopes of a new connection, written as %s, lose their duplicates', async (_form, scopes) => {
  await create({ ...minimal, scopes });
  expect(created.at(-1)?.settings.scopes).toEqual(['a', 'b', 'c']);
});

test('white space and line ends around client_id, client_secret and URLs are cut off', async () => {
  const response = await create({
    connection_name: 'crm',
    client_id: ' client\r\n',
    client_secret: '\t the secret \n',
    authorization_url: '\u00a0https://provider.example/authorize\n',
    token_url: ' https://provider.example/token ',
    revocation_url: '\nhttps://provider.example/revoke',
    test_url: 'https://provider.example/me\r\n',
  });
  expect(response.statusCode).toBe(201);
  const { settings, clientSecret } = created.at(-1) as NewConnection;
  expect(settings).toMatchObject({
    clientId: 'client',
    authorizationUrl: 'https://provider.example/authorize',
    tokenUrl: 'https://provider.example/token',
    revocationUrl: 'https://provider.example/revoke',
    testUrl: 'https://provider.example/me',
  });
  expect(clientSecret?.reveal()).toBe('the secret');
});
