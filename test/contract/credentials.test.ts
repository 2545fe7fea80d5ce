import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, importGrant, startAuthorization, type TestConnection } from '../e2e/connections.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const fetchFrom = ({ credential }: TestConnection, query = '', organization?: string) =>
  service.api.get(`${credential}${query}`, { organization });
const keep = async ({ path }: TestConnection, body: Record<string, unknown>, organization?: string) => {
  const response = await service.api.post(`${path}/grants`, { expires_in: 3600, ...body }, { organization });
  expect(response.status, response.text).toBe(201);
  return response.body;
};
const notReady = (status: string, reason: string | null) => ({
  status: 503,
  body: { code: 'connection_not_ready', connection_status: status, status_reason: reason },
});

describe('GET /credentials/{name}', () => {
  test('a credential has exactly the documented members and may not be stored', async () => {
    const connection = await addConnection(service, { organization: 'acme' });
    const { expires_at } = await keep(connection, { access_token: 'live', scopes: ['read'] }, 'acme');
    const { status, body, headers } = await fetchFrom(connection, '', 'acme');
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(body).toEqual({
      connection_name: connection.name,
      organization_id: 'acme',
      grant_organization_id: 'acme',
      subject: null,
      account_id: null,
      access_token: 'live',
      token_type: 'Bearer',
      expires_at,
      scopes: ['read'],
      extra: {},
      status: 'completed',
      status_reason: null,
      next_action: 'none',
    });
  });

  test('a credential never contains a refresh token', async () => {
    const connection = await addConnection(service);
    await importGrant(service, connection, -60);
    const { body } = await fetchFrom(connection);
    expect(body.status).toBe('completed');
    expect(JSON.stringify(body)).not.toContain('refresh');
  });
});

describe('repeated credential requests', () => {
  const manyTimes = async (connection: TestConnection, query: string, organization: string) => {
    const responses: unknown[] = [];
    for (let turn = 0; turn < 5; turn += 1) responses.push((await fetchFrom(connection, query, organization)).body);
    return responses;
  };
  const all = (body: Record<string, unknown>) => Array(5).fill(expect.objectContaining(body));

  test('repeated requests never return the token of another organisation, subject or connection', async () => {
    const global = await addConnection(service);
    const other = await addConnection(service);
    for (const connection of [global, other]) {
      for (const organization of ['acme', 'globex']) {
        for (const subject of ['u1', 'u2'])
          await keep(
            connection,
            { access_token: `${connection.name}-${organization}-${subject}`, subject },
            organization,
          );
      }
    }
    for (const connection of [global, other]) {
      for (const organization of ['acme', 'globex']) {
        for (const subject of ['u1', 'u2'])
          expect(await manyTimes(connection, `?subject=${subject}`, organization)).toEqual(
            all({
              access_token: `${connection.name}-${organization}-${subject}`,
              grant_organization_id: organization,
              subject,
            }),
          );
      }
    }
  });

  test('repeated requests never return a token that was replaced, refreshed or revoked', async () => {
    const connection = await addConnection(service, { organization: 'acme' });
    await keep(connection, { access_token: 'first' }, 'acme');
    expect(await manyTimes(connection, '', 'acme')).toEqual(all({ access_token: 'first', extra: {} }));
    const { accessToken } = await importGrant(service, connection, 3600, { extra: { name: 'größer 😀' } });
    expect(await manyTimes(connection, '', 'acme')).toEqual(
      all({ access_token: accessToken, extra: { name: 'größer 😀' } }),
    );
    await service.api.post(`${connection.path}/refresh`, undefined, { organization: 'acme' });
    const [refreshed] = await manyTimes(connection, '', 'acme');
    expect(refreshed).not.toMatchObject({ access_token: accessToken });
    await service.api.post(`${connection.path}/revoke`, undefined, { organization: 'acme' });
    expect(await fetchFrom(connection, '', 'acme')).toMatchObject(notReady('failed', 'revoked'));
  });

  test('repeated requests stop with 401 when the API key is revoked', async () => {
    const connection = await addConnection(service);
    await keep(connection, { access_token: 'live' });
    const { id, api } = await service.newKey({ permissions: ['credentials:read'] });
    for (let turn = 0; turn < 5; turn += 1) expect((await api.get(connection.credential)).status).toBe(200);
    expect((await service.api.delete(`/admin/api-keys/${id}`)).status).toBe(204);
    expect((await api.get(connection.credential)).status).toBe(401);
  });
});

describe('credentials that do not exist', () => {
  test('a credential of an absent or foreign connection gives 404 connection_not_found', async () => {
    expect(await service.api.get('/credentials/absent')).toMatchObject({
      status: 404,
      body: { code: 'connection_not_found' },
    });
    const connection = await addConnection(service, { organization: 'acme' });
    await keep(connection, { access_token: 'live' }, 'acme');
    for (const organization of ['globex', undefined])
      expect((await fetchFrom(connection, '', organization)).body.code).toBe('connection_not_found');
  });

  test('a credential of a subject or account without a grant gives 404 grant_not_found', async () => {
    const connection = await addConnection(service);
    expect((await fetchFrom(connection, '?subject=u1')).body.code).toBe('grant_not_found');
    await keep(connection, { access_token: 'live', account_id: 'a1' });
    for (const query of ['?subject=u1', '?account_id=a2', '?subject=u1&account_id=a1'])
      expect(await fetchFrom(connection, query)).toMatchObject({ status: 404, body: { code: 'grant_not_found' } });
    expect((await fetchFrom(connection, '?account_id=a1')).status).toBe(200);
    // An empty value counts as absent.
    expect((await fetchFrom(connection, '?subject=&account_id=')).status).toBe(200);
  });
});

describe('503 connection_not_ready', () => {
  test('a credential gives 503 before, during and after a cancelled authorization', async () => {
    const connection = await addConnection(service);
    const fresh = await fetchFrom(connection);
    expect(fresh).toMatchObject(notReady('not_connected', null));
    expect(fresh.body).toHaveProperty('status_message', null);
    await startAuthorization(service, connection);
    expect(await fetchFrom(connection)).toMatchObject(notReady('waiting_callback', null));
    await service.api.post(`${connection.path}/cancel`);
    expect(await fetchFrom(connection)).toMatchObject(notReady('failed', 'authorization_cancelled'));
  });

  test('an expired token without a refresh token gives 503 with the reason token_expired', async () => {
    const connection = await addConnection(service);
    await keep(connection, { access_token: 'expired', expires_in: 0 });
    expect(await fetchFrom(connection)).toMatchObject(notReady('failed', 'token_expired'));
  });

  test('a revoked grant gives 503 although its token has not expired', async () => {
    const connection = await addConnection(service);
    await keep(connection, { access_token: 'live' });
    await service.api.post(`${connection.path}/revoke`);
    expect(await fetchFrom(connection)).toMatchObject(notReady('failed', 'revoked'));
  });
});

describe('subjects and accounts', () => {
  test('each subject gets its own grant, and a request without a subject gets none of theirs', async () => {
    const connection = await addConnection(service);
    for (const subject of ['u1', 'u2']) await keep(connection, { access_token: `of-${subject}`, subject });
    expect((await fetchFrom(connection, '?subject=u1')).body).toMatchObject({ subject: 'u1', access_token: 'of-u1' });
    expect((await fetchFrom(connection, '?subject=u2')).body.access_token).toBe('of-u2');
    expect(await fetchFrom(connection)).toMatchObject(notReady('not_connected', null));
  });

  test('several accounts give 409 account_ambiguous until the request names one', async () => {
    const connection = await addConnection(service, { body: { multi_account: true } });
    await keep(connection, { access_token: 'of-a', account_id: 'team-a' });
    expect((await fetchFrom(connection)).body).toMatchObject({ account_id: 'team-a', access_token: 'of-a' });
    await keep(connection, { access_token: 'of-b', account_id: 'team-b' });
    const { status, body } = await fetchFrom(connection);
    expect([status, body.code]).toEqual([409, 'account_ambiguous']);
    expect((body.accounts as string[]).toSorted()).toEqual(['team-a', 'team-b']);
    expect((await fetchFrom(connection, '?account_id=team-b')).body.access_token).toBe('of-b');
  });

  test.each(['subject=a&subject=b', 'account_id=a&account_id=b', `subject=${'s'.repeat(256)}`, 'subject=%00'])(
    'the credential query %s is refused',
    async (query) => {
      const response = await fetchFrom(await addConnection(service), `?${query}`);
      expect(response).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    },
  );
});

describe('403 insufficient_scope', () => {
  test('missing scopes give 403 insufficient_scope with them in the order of the request', async () => {
    const connection = await addConnection(service);
    await keep(connection, { access_token: 'live', scopes: ['read', 'write'] });
    for (const query of ['read', 'read,write', 'write%20read', ''])
      expect((await fetchFrom(connection, `?scopes=${query}`)).status).toBe(200);
    expect(await fetchFrom(connection, '?scopes=send,read,admin')).toMatchObject({
      status: 403,
      body: { code: 'insufficient_scope', missing_scopes: ['send', 'admin'] },
    });
  });
});

describe('organisation and global scope', () => {
  test('the own connection comes first, then the own grant of the global connection, then the shared grant', async () => {
    const global = await addConnection(service);
    await keep(global, { access_token: 'shared' });
    await keep(global, { access_token: 'acme-below-global' }, 'acme');
    await addConnection(service, { organization: 'initech', body: { connection_name: global.name } });
    await keep(global, { access_token: 'initech-own' }, 'initech');
    const servedTo = async (organization?: string) => {
      const { body } = await fetchFrom(global, '', organization);
      return [body.organization_id, body.grant_organization_id, body.access_token];
    };
    expect(await servedTo()).toEqual([null, null, 'shared']);
    expect(await servedTo('globex')).toEqual([null, null, 'shared']);
    expect(await servedTo('acme')).toEqual([null, 'acme', 'acme-below-global']);
    expect(await servedTo('initech')).toEqual(['initech', 'initech', 'initech-own']);
  });

  test('an own connection without a token is not skipped in favour of the global one', async () => {
    const global = await addConnection(service);
    await keep(global, { access_token: 'shared' });
    await addConnection(service, { organization: 'acme', body: { connection_name: global.name } });
    expect(await fetchFrom(global, '', 'acme')).toMatchObject(notReady('not_connected', null));
  });

  test('the shared grant serves requests without a subject only', async () => {
    const global = await addConnection(service);
    await keep(global, { access_token: 'shared' });
    await keep(global, { access_token: 'of-u1', subject: 'u1' });
    expect((await fetchFrom(global, '?subject=u1')).body.access_token).toBe('of-u1');
    expect((await fetchFrom(global, '?subject=u1', 'acme')).body.code).toBe('grant_not_found');
    expect((await fetchFrom(global, '', 'acme')).body.access_token).toBe('shared');
  });

  test('share_with_organizations false keeps the grant in the global scope', async () => {
    const global = await addConnection(service, { body: { share_with_organizations: false } });
    await keep(global, { access_token: 'shared' });
    expect((await fetchFrom(global)).status).toBe(200);
    expect(await fetchFrom(global, '', 'acme')).toMatchObject(notReady('not_connected', null));
    expect((await service.api.get(global.path, { organization: 'acme' })).body.status).toBe('not_connected');
    await service.api.patch(global.path, { share_with_organizations: true });
    expect((await fetchFrom(global, '', 'acme')).status).toBe(200);
  });

  test('an own grant hides the shared grant even when revoked or expired; a cancelled authorization does not', async () => {
    const global = await addConnection(service);
    await keep(global, { access_token: 'shared' });
    const authorization = await startAuthorization(service, global, undefined, 'acme');
    expect((await fetchFrom(global, '', 'acme')).body.access_token).toBe('shared');
    await service.api.post(`${global.path}/cancel`, undefined, { organization: 'acme' });
    expect((await fetchFrom(global, '', 'acme')).body.access_token).toBe('shared');
    expect(authorization.state).not.toBe('');
    const own = await keep(global, { access_token: 'own', expires_in: 0 }, 'acme');
    expect(await fetchFrom(global, '', 'acme')).toMatchObject(notReady('failed', 'token_expired'));
    await service.api.post(`${global.path}/revoke`, undefined, { organization: 'acme' });
    expect(await fetchFrom(global, '', 'acme')).toMatchObject(notReady('failed', 'revoked'));
    await service.api.delete(`${global.path}/grants/${own.grant_id}`, { organization: 'acme' });
    expect((await fetchFrom(global, '', 'acme')).body.access_token).toBe('shared');
  });
});
