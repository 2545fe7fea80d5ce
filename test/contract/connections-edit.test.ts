import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const read = async ({ path, organization }: TestConnection) => (await service.api.get(path, { organization })).body;
const put = (connection: TestConnection, body: unknown, headers: Record<string, string> = {}) =>
  service.api.call('PUT', connection.path, { body, headers, organization: connection.organization });
const patch = (connection: TestConnection, body: unknown, headers: Record<string, string> = {}) =>
  service.api.patch(connection.path, body, { headers, organization: connection.organization });
const tagOf = async ({ path, organization }: TestConnection) =>
  (await service.api.get(path, { organization })).headers.get('etag') ?? '';

describe('PATCH /connections/{name}', () => {
  test('a patch changes the fields it names and no others', async () => {
    const connection = await addConnection(service, { body: { description: 'before', authorize_params: { a: '1' } } });
    const before = await read(connection);
    const { status, body } = await patch(connection, { description: 'after' });
    expect(status).toBe(200);
    expect(body).toEqual({ ...before, description: 'after', updated_at: expect.any(String) });
    expect(Date.parse(String(body.updated_at))).toBeGreaterThan(Date.parse(String(before.updated_at)));
    expect(await read(connection)).toEqual(body);
  });

  test('a patch merges objects member by member, and null removes a member', async () => {
    const connection = await addConnection(service, {
      body: { description: 'text', authorize_params: { keep: '1', change: '1', remove: '1' } },
    });
    const headers = { 'content-type': 'application/merge-patch+json' };
    const change = { description: null, scopes: ['only'], authorize_params: { change: '2', remove: null, add: '3' } };
    const { status, body } = await patch(connection, change, headers);
    expect(status).toBe(200);
    expect(body).toMatchObject({ description: null, scopes: ['only'] });
    expect(body.authorize_params).toEqual({ keep: '1', change: '2', add: '3' });
    expect((await patch(connection, { authorize_params: null })).body.authorize_params).toEqual({});
  });

  test.each(['client_id', 'connection_name', 'authorization_url', 'token_url'])(
    'a patch that sets the required field %s to null is refused',
    async (field) => {
      const connection = await addConnection(service);
      const before = await read(connection);
      const response = await patch(connection, { [field]: null, client_secret: 'again' });
      expect(response).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ path: field }] } });
      expect(await read(connection)).toEqual(before);
    },
  );

  test('an empty patch, with or without a body, changes nothing, including the ETag', async () => {
    const connection = await addConnection(service);
    const [before, tag] = [await read(connection), await tagOf(connection)];
    for (const body of [undefined, {}]) {
      const response = await patch(connection, body);
      expect(response).toMatchObject({ status: 200, body: before });
      expect(response.headers.get('etag')).toBe(tag);
    }
  });
});

describe('PUT /connections/{name}', () => {
  test('a PUT sets omitted fields to their defaults and keeps the client secret', async () => {
    const connection = await addConnection(service, {
      body: { description: 'text', share_with_organizations: false, authorize_params: { a: '1' }, scopes: ['read'] },
    });
    const before = await read(connection);
    const { client_id, authorization_url, token_url, revocation_url, test_url } = before;
    const kept = { client_id, authorization_url, token_url, revocation_url, test_url };
    const { status, body } = await put(connection, kept);
    expect(status).toBe(200);
    expect(body).toEqual({
      ...before,
      description: null,
      share_with_organizations: true,
      authorize_params: {},
      allow_import: false,
      scopes: [],
      updated_at: expect.any(String),
    });
    expect(body.has_client_secret).toBe(true);
  });

  test('a PUT of an absent name gives 404 and creates nothing', async () => {
    const connection = await addConnection(service);
    const absent = { ...connection, path: '/connections/absent' };
    const { client_id, authorization_url, token_url } = await read(connection);
    const response = await put(absent, { client_id, authorization_url, token_url });
    expect(response).toMatchObject({ status: 404, body: { code: 'connection_not_found' } });
    expect((await service.api.get('/connections/absent')).status).toBe(404);
  });

  test('a PUT without client_id is refused', async () => {
    const response = await put(await addConnection(service), {});
    expect(response).toMatchObject({ status: 400, body: { errors: [{ path: 'client_id' }] } });
  });
});

describe.each(['PATCH', 'PUT'])('%s /connections/{name}', (method) => {
  const edit = (connection: TestConnection, body: object, organization = connection.organization) =>
    service.api.call(method, connection.path, {
      body: { ...(method === 'PUT' ? { client_id: connection.clientId } : {}), ...body },
      organization,
    });

  test(`${method} accepts the same connection_name and refuses another`, async () => {
    const connection = await addConnection(service);
    const whole = await read(connection);
    const { authorization_url, token_url, revocation_url, test_url } = whole;
    const same = { authorization_url, token_url, revocation_url, test_url, connection_name: connection.name };
    expect((await edit(connection, same)).status).toBe(200);
    const response = await edit(connection, { ...same, connection_name: 'another' });
    expect(response).toMatchObject({ status: 400, body: { errors: [{ path: 'connection_name' }] } });
  });

  test(`${method} with an unknown field is refused and changes nothing`, async () => {
    const connection = await addConnection(service);
    const before = await read(connection);
    const response = await edit(connection, { description: 'changed', organization_id: 'acme' });
    expect(response).toMatchObject({ status: 400, body: { errors: [{ path: 'organization_id' }] } });
    expect(await read(connection)).toEqual(before);
  });

  test(`${method} by an organisation never changes a global connection`, async () => {
    const connection = await addConnection(service);
    const response = await edit(connection, { description: 'changed' }, 'acme');
    expect(response).toMatchObject({ status: 404, body: { code: 'connection_not_found' } });
    expect((await read(connection)).description).toBeNull();
  });
});

describe('ETag and If-Match', () => {
  test('an edit changes the ETag and a refresh does not', async () => {
    const connection = await addConnection(service);
    const first = await tagOf(connection);
    await importGrant(service, connection, 3600);
    expect((await service.api.post(`${connection.path}/refresh`)).status).toBe(200);
    expect(await tagOf(connection)).toBe(first);
    const edited = (await patch(connection, { description: 'x' })).headers.get('etag');
    expect(edited).not.toBe(first);
    expect(await tagOf(connection)).toBe(edited);
  });

  test('If-Match with an old ETag gives 412; the current one, weakened by a proxy or not, a list with it, and * pass', async () => {
    const connection = await addConnection(service);
    const old = await tagOf(connection);
    await patch(connection, { description: 'second' });
    for (const match of [old, `W/${old}`, '"nonsense"', '""']) {
      const response = await patch(connection, { description: 'lost' }, { 'if-match': match });
      expect(response).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
    }
    expect((await read(connection)).description).toBe('second');
    const passes = async (match: string, description: string) =>
      (await patch(connection, { description }, { 'if-match': match })).status;
    expect(await passes(await tagOf(connection), 'third')).toBe(200);
    expect(await passes(`"other", ${await tagOf(connection)}`, 'fourth')).toBe(200);
    expect(await passes('*', 'fifth')).toBe(200);
    expect(await passes(`W/${await tagOf(connection)}`, 'sixth')).toBe(200);
    expect(await passes((await tagOf(connection)).replace(/"$/, '-gzip"'), 'seventh')).toBe(200);
    const malformed = await patch(connection, { description: 'lost' }, { 'if-match': 'nonsense' });
    expect(malformed).toMatchObject({ status: 400, body: { errors: [{ path: 'header.If-Match' }] } });
    const response = await put(connection, { client_id: connection.clientId }, { 'if-match': old });
    expect(response.status).toBe(412);
  });

  test('of several concurrent edits with the same If-Match, only one succeeds', async () => {
    const connection = await addConnection(service);
    const headers = { 'if-match': await tagOf(connection) };
    const edits = ['one', 'two', 'three', 'four'].map((description) => patch(connection, { description }, headers));
    const statuses = (await Promise.all(edits)).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, 412, 412, 412]);
  });

  test('the ETag of a deleted connection does not match a new connection of the same name', async () => {
    const connection = await addConnection(service);
    const old = await tagOf(connection);
    await service.api.delete(connection.path);
    await addConnection(service, { body: { connection_name: connection.name } });
    expect((await patch(connection, { description: 'x' }, { 'if-match': old })).status).toBe(412);
  });
});
