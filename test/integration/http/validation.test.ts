import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NewConnection } from '../../../src/broker/create-connection.ts';
import type { ConnectionEdit } from '../../../src/broker/edit-connection.ts';
import type { CredentialRequest } from '../../../src/broker/get-credential.ts';
import type { ImportedTokens } from '../../../src/broker/import-grant.ts';
import type { ConnectionFilter } from '../../../src/domain/ports/stores.ts';
import {
  connectionId,
  connectionView,
  createHttpFixture,
  credential,
  grantView,
  type HttpFixture,
  now,
} from '../../support/http-fixture.ts';

let fixture: HttpFixture;
const seen: {
  created: NewConnection[];
  edits: ConnectionEdit[];
  fetched: CredentialRequest[];
  imported: ImportedTokens[];
  filters: ConnectionFilter[];
} = { created: [], edits: [], fetched: [], imported: [], filters: [] };

beforeAll(async () => {
  fixture = await createHttpFixture({
    createConnection: async (_actor, input) => {
      seen.created.push(input);
      return connectionView();
    },
    editConnection: async (_actor, _name, edit) => {
      seen.edits.push(edit);
      return connectionView();
    },
    getCredential: async (_actor, request) => {
      seen.fetched.push(request);
      return credential;
    },
    importGrant: async (_actor, _name, tokens) => {
      seen.imported.push(tokens);
      return grantView();
    },
    listConnections: async (_actor, filter) => {
      seen.filters.push(filter);
      return { connections: [], count: 0, nextCursor: null };
    },
  });
});
afterAll(() => fixture.app.close());

const minimal = { connection_name: 'crm', client_id: 'client' };

async function faultsOf(method: 'POST' | 'PATCH' | 'PUT', url: string, payload: object) {
  const response = await fixture.call({ method, url, payload });
  expect(response.statusCode, response.body).toBe(400);
  const { code, errors } = response.json();
  expect(code).toBe('invalid_request');
  return errors.map(({ path }: { path: string }) => path).sort();
}

describe('writing a connection', () => {
  test('every fault is named at once, by its dotted path', async () => {
    const faults = await faultsOf('POST', '/connections', {
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
    });
    expect(faults).toEqual([
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
    ['token_url', 'https://a.example/\t'],
    ['token_url', 'https://a.example\\@evil.example'],
    ['scopes', 'x'.repeat(20_001)],
    ['scopes', 7],
    ['provider', '../x'],
  ])('%s refuses what cannot be stored or is too long (%#)', async (field, value) => {
    const paths = await faultsOf('POST', '/connections', { ...minimal, [field]: value });
    expect(paths).toEqual([field]);
  });

  test('defaults: plain OAuth, authorization_code, one account, shared, the template’s scopes', async () => {
    await fixture.call({ method: 'POST', url: '/connections', payload: minimal });
    expect(seen.created.at(-1)).toEqual({
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
        multiAccount: false,
        shareWithOrganizations: true,
        description: null,
      },
    });
  });

  test.each([
    ['a string with spaces and commas', 'a, b  c,a'],
    ['an array', ['a', 'b', 'c', 'b']],
  ])('scopes as %s, each once', async (_name, scopes) => {
    await fixture.call({ method: 'POST', url: '/connections', payload: { ...minimal, scopes } });
    expect(seen.created.at(-1)?.settings.scopes).toEqual(['a', 'b', 'c']);
  });
});

describe('editing a connection', () => {
  const current = connectionView().connection.settings;
  const edit = async (method: 'PATCH' | 'PUT', payload: object, headers: Record<string, string> = {}) => {
    const response = await fixture.call({ method, url: '/connections/crm', payload, headers });
    expect(response.statusCode, response.body).toBe(200);
    const [last] = seen.edits.slice(-1);
    if (last === undefined) throw new Error('no edit');
    return last;
  };

  test('an empty patch changes nothing', async () => {
    const { apply, clientSecret, ifMatch } = await edit('PATCH', {});
    expect(apply(current)).toEqual(current);
    expect(clientSecret).toBeUndefined();
    expect(ifMatch).toBeUndefined();
  });

  test('a patch merges members of maps, removes with null and keeps what it does not name', async () => {
    const { apply } = await edit('PATCH', {
      description: null,
      scopes: null,
      share_with_organizations: null,
      multi_account: null,
      authorize_params: { audience: null, access_type: 'offline' },
      variables: null,
      token_url: 'https://other.example/token',
    });
    expect(apply(current)).toEqual({
      ...current,
      description: null,
      scopes: null,
      shareWithOrganizations: true,
      multiAccount: false,
      authorizeParams: { prompt: 'consent', access_type: 'offline' },
      variables: {},
      tokenUrl: 'https://other.example/token',
    });
  });

  test('a patch is taken under its own media type too', async () => {
    const { apply } = await edit('PATCH', { description: 'x' }, { 'content-type': 'application/merge-patch+json' });
    expect(apply(current).description).toBe('x');
  });

  test('a replacement returns what it omits to the defaults and keeps the secret', async () => {
    const { apply, clientSecret } = await edit('PUT', { client_id: 'other', connection_name: 'crm' });
    expect(apply(current)).toMatchObject({
      clientId: 'other',
      scopes: null,
      description: null,
      variables: {},
      multiAccount: false,
    });
    expect(clientSecret).toBeUndefined();
  });

  test('a secret can be given or taken away', async () => {
    const given = await edit('PATCH', { client_secret: 'new' });
    expect(given.clientSecret?.reveal()).toBe('new');
    expect((await edit('PATCH', { client_secret: null })).clientSecret).toBeNull();
  });

  test('what is required cannot be null, a name cannot change, a patch has to be an object', async () => {
    expect(await faultsOf('PATCH', '/connections/crm', { client_id: null, connection_name: null })).toEqual([
      'client_id',
      'connection_name',
    ]);
    expect(await faultsOf('PATCH', '/connections/crm', { connection_name: 'other' })).toEqual(['connection_name']);
    expect(await faultsOf('PUT', '/connections/crm', { client_id: 'c', connection_name: 'other' })).toEqual([
      'connection_name',
    ]);
    expect(await faultsOf('PUT', '/connections/crm', {})).toEqual(['client_id']);
    const headers = { 'content-type': 'application/json' };
    const response = await fixture.call({ method: 'PATCH', url: '/connections/crm', payload: 'null', headers });
    expect(response.json()).toMatchObject({ code: 'invalid_request', errors: [{ path: 'body' }] });
  });

  test.each([
    [`"${connectionId}-3"`, ['3']],
    [`W/"${connectionId}-3"`, []],
    [`"x", "${connectionId}-2" , "${connectionId}-3"`, ['2', '3']],
    ['"01980c2e-0000-7c31-9b0e-0d6d6f1c2a11-3"', []],
    ['unquoted', []],
    ['', []],
    ['*', '*'],
  ])('If-Match %s is compared with this connection and its revision', async (header, ifMatch) => {
    expect((await edit('PATCH', {}, { 'if-match': header })).ifMatch).toEqual(ifMatch);
  });

  test('the ETag is of the configuration', async () => {
    const response = await fixture.call({ url: '/connections/crm' });
    expect(response.headers.etag).toBe(`"${connectionId}-3"`);
  });
});

describe('reading', () => {
  test('a fetch says what it needs', async () => {
    await fixture.call({ url: '/credentials/crm' });
    expect(seen.fetched.at(-1)).toEqual({
      connectionName: 'crm',
      subject: null,
      accountId: null,
      minTtlSeconds: 0,
      requiredScopes: [],
      workflow: null,
    });
    await fixture.call({
      url: '/credentials/crm?subject=u%2F1&account_id=&min_ttl=600&scopes=a,b%20c&unknown=1&unknown=2',
      headers: { 'x-workflow-id': 'nightly', 'x-workflow-name': 'Nightly run' },
    });
    expect(seen.fetched.at(-1)).toEqual({
      connectionName: 'crm',
      subject: 'u/1',
      accountId: null,
      minTtlSeconds: 600,
      requiredScopes: ['a', 'b', 'c'],
      workflow: { id: 'nightly', name: 'Nightly run' },
    });
  });

  test.each([
    ['/credentials/crm?min_ttl=-1', 'query.min_ttl'],
    ['/credentials/crm?min_ttl=1.5', 'query.min_ttl'],
    ['/credentials/crm?min_ttl=', 'query.min_ttl'],
    ['/credentials/crm?min_ttl=9999999999', 'query.min_ttl'],
    ['/credentials/crm?min_ttl=1&min_ttl=1', 'query.min_ttl'],
    ['/credentials/crm?subject=a&subject=b', 'query.subject'],
    ['/credentials/crm?subject=a%00', 'query.subject'],
    ['/credentials/crm?scopes=a%22', 'query.scopes.0'],
    [`/credentials/${'a'.repeat(101)}`, 'path.name'],
    ['/connections?limit=0', 'query.limit'],
    ['/connections?limit=201', 'query.limit'],
    ['/connections?include_global=yes', 'query.include_global'],
    ['/connections?status=dead', 'query.status'],
    ['/connections?q=%00', 'query.q'],
  ])('%s is refused at %s', async (url, path) => {
    const response = await fixture.call({ url });
    expect(response.statusCode).toBe(400);
    expect(response.json().errors.map((fault: { path: string }) => fault.path)).toEqual([path]);
  });

  test('filters reach the use case, absent ones not at all', async () => {
    await fixture.call({ url: '/connections' });
    expect(seen.filters.at(-1)).toEqual({ includeGlobal: true, limit: 50 });
    await fixture.call({
      url: '/connections?include_global=false&flow=refresh_token&provider=slack&q=x&cursor=c&status=failed&limit=7',
    });
    expect(seen.filters.at(-1)).toEqual({
      includeGlobal: false,
      flow: 'refresh_token',
      provider: 'slack',
      q: 'x',
      cursor: 'c',
      status: 'failed',
      limit: 7,
    });
  });
});

describe('importing a token set', () => {
  const url = '/connections/crm/grants';

  test('an expiry comes as an instant or as seconds from now', async () => {
    await fixture.call({ method: 'POST', url, payload: { access_token: 'a', expires_in: 60 } });
    expect(seen.imported.at(-1)?.expiresAt).toEqual(new Date(now.getTime() + 60_000));
    await fixture.call({
      method: 'POST',
      url,
      payload: { access_token: 'a', expires_at: '2031-01-01T00:00:00+02:00' },
    });
    expect(seen.imported.at(-1)?.expiresAt).toEqual(new Date('2030-12-31T22:00:00Z'));
  });

  test.each<[object, string[]]>([
    [{}, ['access_token']],
    [{ access_token: 'a', expires_in: 1, expires_at: '2031-01-01T00:00:00Z' }, ['expires_in']],
    [{ access_token: 'a\r\nb' }, ['access_token']],
    [{ access_token: 'a', subject: '' }, ['subject']],
    [{ access_token: 'a', expires_in: -1 }, ['expires_in']],
    [{ access_token: 'a', expires_at: 'tomorrow' }, ['expires_at']],
    [{ access_token: 'a', expires_at: '0000-01-01T00:00:00Z' }, ['expires_at']],
    [{ access_token: 'a', extra: { x: 'x'.repeat(20_000) } }, ['extra']],
    [{ access_token: 'a', id_token: 'x' }, ['id_token']],
  ])('%j is refused', async (payload, paths) => {
    expect(await faultsOf('POST', url, payload)).toEqual(paths);
  });

  test('brackets without end are refused, not followed', async () => {
    const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const response = await fixture.call({
      method: 'POST',
      url,
      payload: `{"access_token":"a","extra":{"x":${nested}}}`,
      headers: { 'content-type': 'application/json' },
    });
    expect(response.json()).toMatchObject({ status: 400, errors: [{ path: 'extra' }] });
  });
});

test('an id or a state of the wrong form does not exist', async () => {
  const ask = async (method: 'GET' | 'DELETE', url: string) => (await fixture.call({ method, url })).json().code;
  expect(await ask('DELETE', '/connections/crm/grants/1')).toBe('grant_not_found');
  expect(await ask('DELETE', '/admin/api-keys/a%00b')).toBe('not_found');
  expect(await ask('GET', '/authorizations/a%00b')).toBe('not_found');
  expect(await ask('GET', '/providers/nope')).toBe('not_found');
});
