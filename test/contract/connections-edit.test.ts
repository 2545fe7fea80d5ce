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
  test('changes what it names, and nothing else', async () => {
    const connection = await addConnection(service, { body: { description: 'before', authorize_params: { a: '1' } } });
    const before = await read(connection);
    const { status, body } = await patch(connection, { description: 'after' });
    expect(status).toBe(200);
    expect(body).toEqual({ ...before, description: 'after', updated_at: expect.any(String) });
    expect(Date.parse(String(body.updated_at))).toBeGreaterThan(Date.parse(String(before.updated_at)));
    expect(await read(connection)).toEqual(body);
  });

  test('is a merge patch: members of objects one by one, null removes', async () => {
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
    'null on %s, which it cannot be without, is refused',
    async (field) => {
      const connection = await addConnection(service);
      const before = await read(connection);
      const answer = await patch(connection, { [field]: null, client_secret: 'again' });
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ path: field }] } });
      expect(await read(connection)).toEqual(before);
    },
  );

  test('an empty one, with or without a body, changes nothing, the tag included', async () => {
    const connection = await addConnection(service);
    const [before, tag] = [await read(connection), await tagOf(connection)];
    for (const body of [undefined, {}]) {
      const answer = await patch(connection, body);
      expect(answer).toMatchObject({ status: 200, body: before });
      expect(answer.headers.get('etag')).toBe(tag);
    }
  });
});

describe('PUT /connections/{name}', () => {
  test('returns what it omits to the defaults, and keeps the secret', async () => {
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
      ...{ description: null, share_with_organizations: true, authorize_params: {}, scopes: [] },
      updated_at: expect.any(String),
    });
    expect(body.has_client_secret).toBe(true);
  });

  test('404 on a name that is not there: it makes none', async () => {
    const connection = await addConnection(service);
    const absent = { ...connection, path: '/connections/absent' };
    const { client_id, authorization_url, token_url } = await read(connection);
    const answer = await put(absent, { client_id, authorization_url, token_url });
    expect(answer).toMatchObject({ status: 404, body: { code: 'connection_not_found' } });
    expect((await service.api.get('/connections/absent')).status).toBe(404);
  });

  test('client_id cannot be left out', async () => {
    const answer = await put(await addConnection(service), {});
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'client_id' }] } });
  });
});

describe.each(['PATCH', 'PUT'])('%s /connections/{name}', (method) => {
  const edit = (connection: TestConnection, body: object, organization = connection.organization) =>
    service.api.call(method, connection.path, {
      body: { ...(method === 'PUT' ? { client_id: connection.clientId } : {}), ...body },
      organization,
    });

  test('connection_name may be repeated and cannot change', async () => {
    const connection = await addConnection(service);
    const whole = await read(connection);
    const { authorization_url, token_url, revocation_url, test_url } = whole;
    const same = { authorization_url, token_url, revocation_url, test_url, connection_name: connection.name };
    expect((await edit(connection, same)).status).toBe(200);
    const answer = await edit(connection, { ...same, connection_name: 'another' });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'connection_name' }] } });
  });

  test('an unknown field is refused and nothing is changed', async () => {
    const connection = await addConnection(service);
    const before = await read(connection);
    const answer = await edit(connection, { description: 'changed', organization_id: 'acme' });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'organization_id' }] } });
    expect(await read(connection)).toEqual(before);
  });

  test('never touches a global connection from an organisation', async () => {
    const connection = await addConnection(service);
    const answer = await edit(connection, { description: 'changed' }, 'acme');
    expect(answer).toMatchObject({ status: 404, body: { code: 'connection_not_found' } });
    expect((await read(connection)).description).toBeNull();
  });
});

describe('ETag and If-Match', () => {
  test('the tag moves with an edit and not with a refresh', async () => {
    const connection = await addConnection(service);
    const first = await tagOf(connection);
    await importGrant(service, connection, 3600);
    expect((await service.api.post(`${connection.path}/refresh`)).status).toBe(200);
    expect(await tagOf(connection)).toBe(first);
    const edited = (await patch(connection, { description: 'x' })).headers.get('etag');
    expect(edited).not.toBe(first);
    expect(await tagOf(connection)).toBe(edited);
  });

  test('412 for a tag of yesterday, and nothing is changed; the tag of today, any of several, and * pass', async () => {
    const connection = await addConnection(service);
    const old = await tagOf(connection);
    await patch(connection, { description: 'second' });
    for (const match of [old, '"nonsense"', `W/${await tagOf(connection)}`, '""']) {
      const answer = await patch(connection, { description: 'lost' }, { 'if-match': match });
      expect(answer).toMatchObject({ status: 412, body: { code: 'precondition_failed' } });
    }
    expect((await read(connection)).description).toBe('second');
    const passes = async (match: string, description: string) =>
      (await patch(connection, { description }, { 'if-match': match })).status;
    expect(await passes(await tagOf(connection), 'third')).toBe(200);
    expect(await passes(`"other", ${await tagOf(connection)}`, 'fourth')).toBe(200);
    expect(await passes('*', 'fifth')).toBe(200);
    const answer = await put(connection, { client_id: connection.clientId }, { 'if-match': old });
    expect(answer.status).toBe(412);
  });

  test('of two who read the same and write, one is told', async () => {
    const connection = await addConnection(service);
    const headers = { 'if-match': await tagOf(connection) };
    const edits = ['one', 'two', 'three', 'four'].map((description) => patch(connection, { description }, headers));
    const statuses = (await Promise.all(edits)).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, 412, 412, 412]);
  });

  test('the tag of a connection deleted since is not that of its successor of the same name', async () => {
    const connection = await addConnection(service);
    const old = await tagOf(connection);
    await service.api.delete(connection.path);
    await addConnection(service, { body: { connection_name: connection.name } });
    expect((await patch(connection, { description: 'x' }, { 'if-match': old })).status).toBe(412);
  });
});
