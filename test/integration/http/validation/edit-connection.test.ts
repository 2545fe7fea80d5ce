import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConnectionEdit } from '../../../../src/broker/connections/edit-connection.ts';
import {
  connectionId,
  connectionView,
  createHttpFixture,
  type HttpFixture,
} from '../../../support/http/server-fixture.ts';
import { faultPaths } from './fault-paths.ts';

let fixture: HttpFixture;
const edits: ConnectionEdit[] = [];

beforeAll(async () => {
  fixture = await createHttpFixture({
    editConnection: async (_actor, _name, edit) => {
      edits.push(edit);
      return connectionView();
    },
  });
});
afterAll(() => fixture.app.close());

const url = '/connections/crm';
const current = connectionView().connection.settings;

async function edit(method: 'PATCH' | 'PUT', payload: object, headers: Record<string, string> = {}) {
  const response = await fixture.call({ method, url, payload, headers });
  expect(response.statusCode, response.body).toBe(200);
  const last = edits.at(-1);
  if (last === undefined) throw new Error('no edit');
  return last;
}

test('an empty patch changes nothing', async () => {
  const { apply, clientSecret, ifMatch } = await edit('PATCH', {});
  expect(apply(current)).toEqual(current);
  expect(clientSecret).toBeUndefined();
  expect(ifMatch).toBeUndefined();
});

test('a patch merges the members of maps, removes members with null and keeps members it does not name', async () => {
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

test('a patch may have the media type application/merge-patch+json', async () => {
  const { apply } = await edit('PATCH', { description: 'x' }, { 'content-type': 'application/merge-patch+json' });
  expect(apply(current).description).toBe('x');
});

test('a replacement sets omitted fields to their defaults and keeps the client secret', async () => {
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

test('a patch can set or remove the client secret', async () => {
  const changed = await edit('PATCH', { client_secret: 'new' });
  expect(changed.clientSecret?.reveal()).toBe('new');
  expect((await edit('PATCH', { client_secret: null })).clientSecret).toBeNull();
});

test.each<['PATCH' | 'PUT', object, string[]]>([
  ['PATCH', { client_id: null, connection_name: null }, ['client_id', 'connection_name']],
  ['PATCH', { connection_name: 'other' }, ['connection_name']],
  ['PUT', { client_id: 'c', connection_name: 'other' }, ['connection_name']],
  ['PUT', {}, ['client_id']],
])(
  '%s with %j is refused: required fields cannot be null, and the name cannot change',
  async (method, payload, paths) => {
    expect(await faultPaths(fixture, { method, url, payload })).toEqual(paths);
  },
);

test('a patch whose body is null is refused', async () => {
  const headers = { 'content-type': 'application/json' };
  expect(await faultPaths(fixture, { method: 'PATCH', url, payload: 'null', headers })).toEqual(['body']);
});

test.each([
  [`"${connectionId}-3"`, ['3']],
  [`W/"${connectionId}-3"`, ['3']],
  [`"${connectionId}-3-gzip"`, ['3']],
  [`"x", "${connectionId}-2" , "${connectionId}-3"`, ['2', '3']],
  ['"01980c2e-0000-7c31-9b0e-0d6d6f1c2a11-3"', []],
  ['*', '*'],
])('If-Match %s selects the revisions of this connection only', async (header, ifMatch) => {
  expect((await edit('PATCH', {}, { 'if-match': header })).ifMatch).toEqual(ifMatch);
});

test.each(['unquoted', '', '"a', '*, "a"'])('If-Match %j is refused as malformed', async (header) => {
  const paths = await faultPaths(fixture, { method: 'PATCH', url, payload: {}, headers: { 'if-match': header } });
  expect(paths).toEqual(['header.If-Match']);
});

test.each([`"${connectionId}-3"`, `W/"${connectionId}-3-gzip"`, '*', 'unquoted'])(
  'GET with If-None-Match %s returns the configuration: responses are not stored, so none is validated',
  async (header) => {
    const response = await fixture.call({ url, headers: { 'if-none-match': header } });
    expect([response.statusCode, response.headers['cache-control']]).toEqual([200, 'no-store']);
  },
);

test('the ETag consists of the id and the revision of the connection', async () => {
  const response = await fixture.call({ url });
  expect(response.headers.etag).toBe(`"${connectionId}-3"`);
});
