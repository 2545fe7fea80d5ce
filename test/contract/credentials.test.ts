import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, importGrant, startTrip, type TestConnection } from '../e2e/connections.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const fetchFrom = ({ credential }: TestConnection, query = '', organization?: string) =>
  service.api.get(`${credential}${query}`, { organization });
const keep = async ({ path }: TestConnection, body: Record<string, unknown>, organization?: string) => {
  const answer = await service.api.post(`${path}/grants`, { expires_in: 3600, ...body }, { organization });
  expect(answer.status, answer.text).toBe(201);
  return answer.body;
};
const notReady = (status: string, reason: string | null) => ({
  status: 503,
  body: { code: 'connection_not_ready', connection_status: status, status_reason: reason },
});

describe('GET /credentials/{name}', () => {
  test('200 and exactly the members of the contract, not to be stored', async () => {
    const connection = await addConnection(service, { organization: 'acme' });
    const { expires_at } = await keep(connection, { access_token: 'live', scopes: ['read'] }, 'acme');
    const { status, body, headers } = await fetchFrom(connection, '', 'acme');
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(body).toEqual({
      connection_name: connection.name,
      ...{ organization_id: 'acme', grant_organization_id: 'acme', subject: null, account_id: null },
      ...{ access_token: 'live', token_type: 'Bearer', expires_at, scopes: ['read'], extra: {} },
      ...{ status: 'completed', status_reason: null },
    });
  });

  test('never a refresh token, also from a provider', async () => {
    const connection = await addConnection(service);
    await importGrant(service, connection, -60);
    const { body } = await fetchFrom(connection);
    expect(body.status).toBe('completed');
    expect(JSON.stringify(body)).not.toContain('refresh');
  });

  test('X-Workflow-Id and X-Workflow-Name are taken, and refused where they could not be kept', async () => {
    const connection = await addConnection(service);
    await keep(connection, { access_token: 'live' });
    const fetchAs = (headers: Record<string, string>) => service.api.get(connection.credential, { headers });
    expect((await fetchAs({ 'x-workflow-id': 'wf-1', 'x-workflow-name': 'Nightly sync' })).status).toBe(200);
    expect(await fetchAs({ 'x-workflow-id': 'w'.repeat(201) })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'header.X-Workflow-Id' }] },
    });
  });
});

describe('an answer that was given again and again', () => {
  const manyTimes = async (connection: TestConnection, query: string, organization: string) => {
    const answers: unknown[] = [];
    for (let turn = 0; turn < 5; turn += 1) answers.push((await fetchFrom(connection, query, organization)).body);
    return answers;
  };
  const all = (body: Record<string, unknown>) => Array(5).fill(expect.objectContaining(body));

  test('is never another organisation’s, subject’s or connection’s', async () => {
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

  test('is not given again once its grant is replaced, refreshed or revoked', async () => {
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

  test('is given to nobody whose key was revoked', async () => {
    const connection = await addConnection(service);
    await keep(connection, { access_token: 'live' });
    const { id, api } = await service.newKey({ permissions: ['credentials:read'] });
    for (let turn = 0; turn < 5; turn += 1) expect((await api.get(connection.credential)).status).toBe(200);
    expect((await service.api.delete(`/admin/api-keys/${id}`)).status).toBe(204);
    expect((await api.get(connection.credential)).status).toBe(401);
  });
});

describe('404', () => {
  test('connection_not_found for a name that is not there, or only elsewhere', async () => {
    expect(await service.api.get('/credentials/absent')).toMatchObject({
      status: 404,
      body: { code: 'connection_not_found' },
    });
    const connection = await addConnection(service, { organization: 'acme' });
    await keep(connection, { access_token: 'live' }, 'acme');
    for (const organization of ['globex', undefined])
      expect((await fetchFrom(connection, '', organization)).body.code).toBe('connection_not_found');
  });

  test('grant_not_found when a subject or account was named and has none', async () => {
    const connection = await addConnection(service);
    expect((await fetchFrom(connection, '?subject=u1')).body.code).toBe('grant_not_found');
    await keep(connection, { access_token: 'live', account_id: 'a1' });
    for (const query of ['?subject=u1', '?account_id=a2', '?subject=u1&account_id=a1'])
      expect(await fetchFrom(connection, query)).toMatchObject({ status: 404, body: { code: 'grant_not_found' } });
    expect((await fetchFrom(connection, '?account_id=a1')).status).toBe(200);
    // An empty value is as good as none.
    expect((await fetchFrom(connection, '?subject=&account_id=')).status).toBe(200);
  });
});

describe('503 connection_not_ready', () => {
  test('as the trips of a connection go', async () => {
    const connection = await addConnection(service);
    const fresh = await fetchFrom(connection);
    expect(fresh).toMatchObject(notReady('not_connected', null));
    expect(fresh.body).toHaveProperty('status_message', null);
    await startTrip(service, connection);
    expect(await fetchFrom(connection)).toMatchObject(notReady('waiting_callback', null));
    await service.api.post(`${connection.path}/cancel`);
    expect(await fetchFrom(connection)).toMatchObject(notReady('failed', 'authorization_cancelled'));
  });

  test('expired, and nothing to refresh it with', async () => {
    const connection = await addConnection(service);
    await keep(connection, { access_token: 'dead', expires_in: 0 });
    expect(await fetchFrom(connection)).toMatchObject(notReady('failed', 'token_expired'));
  });

  test('revoked, although the token would live', async () => {
    const connection = await addConnection(service);
    await keep(connection, { access_token: 'live' });
    await service.api.post(`${connection.path}/revoke`);
    expect(await fetchFrom(connection)).toMatchObject(notReady('failed', 'revoked'));
  });
});

describe('subjects and accounts', () => {
  test('each subject is served its own grant, and nobody in particular nobody’s', async () => {
    const connection = await addConnection(service);
    for (const subject of ['u1', 'u2']) await keep(connection, { access_token: `of-${subject}`, subject });
    expect((await fetchFrom(connection, '?subject=u1')).body).toMatchObject({ subject: 'u1', access_token: 'of-u1' });
    expect((await fetchFrom(connection, '?subject=u2')).body.access_token).toBe('of-u2');
    expect(await fetchFrom(connection)).toMatchObject(notReady('not_connected', null));
  });

  test('409 account_ambiguous with the accounts, until one is named', async () => {
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
    '400 for ?%s',
    async (query) => {
      const answer = await fetchFrom(await addConnection(service), `?${query}`);
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    },
  );
});

describe('403 insufficient_scope', () => {
  test('with the scopes that are missing, in the order they were asked for', async () => {
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

describe('the organisation first, then the global scope', () => {
  test('own connection, own grant of the global one, shared grant: in that order', async () => {
    const global = await addConnection(service);
    await keep(global, { access_token: 'shared' });
    await keep(global, { access_token: 'acme-below-global' }, 'acme');
    await addConnection(service, { organization: 'initech', body: { connection_name: global.name } });
    await keep(global, { access_token: 'initech-own' }, 'initech');
    const told = async (organization?: string) => {
      const { body } = await fetchFrom(global, '', organization);
      return [body.organization_id, body.grant_organization_id, body.access_token];
    };
    expect(await told()).toEqual([null, null, 'shared']);
    expect(await told('globex')).toEqual([null, null, 'shared']);
    expect(await told('acme')).toEqual([null, 'acme', 'acme-below-global']);
    expect(await told('initech')).toEqual(['initech', 'initech', 'initech-own']);
  });

  test('an own connection that is not ready is never skipped', async () => {
    const global = await addConnection(service);
    await keep(global, { access_token: 'shared' });
    await addConnection(service, { organization: 'acme', body: { connection_name: global.name } });
    expect(await fetchFrom(global, '', 'acme')).toMatchObject(notReady('not_connected', null));
  });

  test('the shared grant is for an empty subject only', async () => {
    const global = await addConnection(service);
    await keep(global, { access_token: 'shared' });
    await keep(global, { access_token: 'of-u1', subject: 'u1' });
    expect((await fetchFrom(global, '?subject=u1')).body.access_token).toBe('of-u1');
    expect((await fetchFrom(global, '?subject=u1', 'acme')).body.code).toBe('grant_not_found');
    expect((await fetchFrom(global, '', 'acme')).body.access_token).toBe('shared');
  });

  test('share_with_organizations off keeps it in the global scope', async () => {
    const global = await addConnection(service, { body: { share_with_organizations: false } });
    await keep(global, { access_token: 'shared' });
    expect((await fetchFrom(global)).status).toBe(200);
    expect(await fetchFrom(global, '', 'acme')).toMatchObject(notReady('not_connected', null));
    expect((await service.api.get(global.path, { organization: 'acme' })).body.status).toBe('not_connected');
    await service.api.patch(global.path, { share_with_organizations: true });
    expect((await fetchFrom(global, '', 'acme')).status).toBe(200);
  });

  test('an own grant hides the shared one, even revoked or expired; a trip that failed does not', async () => {
    const global = await addConnection(service);
    await keep(global, { access_token: 'shared' });
    const trip = await startTrip(service, global, undefined, 'acme');
    expect((await fetchFrom(global, '', 'acme')).body.access_token).toBe('shared');
    await service.api.post(`${global.path}/cancel`, undefined, { organization: 'acme' });
    expect((await fetchFrom(global, '', 'acme')).body.access_token).toBe('shared');
    expect(trip.state).not.toBe('');
    const own = await keep(global, { access_token: 'own', expires_in: 0 }, 'acme');
    expect(await fetchFrom(global, '', 'acme')).toMatchObject(notReady('failed', 'token_expired'));
    await service.api.post(`${global.path}/revoke`, undefined, { organization: 'acme' });
    expect(await fetchFrom(global, '', 'acme')).toMatchObject(notReady('failed', 'revoked'));
    await service.api.delete(`${global.path}/grants/${own.grant_id}`, { organization: 'acme' });
    expect((await fetchFrom(global, '', 'acme')).body.access_token).toBe('shared');
  });
});
