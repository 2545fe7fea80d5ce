import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService({ PROVIDER_RETRIES: '0' });
});
afterEach(() => service.provider.setOutage('none'));
afterAll(() => service?.close());

const act = (action: string, { path }: TestConnection, body?: unknown, organization?: string) =>
  service.api.post(`${path}/${action}`, body, { organization });
const detail = async ({ path }: TestConnection) => (await service.api.get(path)).body;
const machine = {
  oauth_flow_type: 'client_credentials',
  scopes: ['calendar'],
  authorization_url: undefined,
  test_url: undefined,
  authorize_params: undefined,
};

describe.each(['test', 'refresh', 'revoke'])('POST /connections/{name}/%s', (action) => {
  test(`${action} gives 404 for an absent connection, and for a subject or account without a grant`, async () => {
    expect((await service.api.post(`/connections/absent/${action}`)).body.code).toBe('connection_not_found');
    const connection = await addConnection(service);
    await importGrant(service, connection, 3600);
    for (const body of [{ subject: 'u1' }, { account_id: 'a1' }]) {
      expect(await act(action, connection, body)).toMatchObject({ status: 404, body: { code: 'grant_not_found' } });
    }
  });

  test(`${action} by an organisation never affects the shared grant of a global connection`, async () => {
    const connection = await addConnection(service);
    const { accessToken } = await importGrant(service, connection, 3600);
    const { status, body } = await act(action, connection, undefined, 'acme');
    const refused = action === 'revoke' ? { status: 200, revoked: [] } : { status: status === 404 ? 404 : 503 };
    expect({ status, ...(action === 'revoke' && { revoked: body.revoked }) }).toEqual(refused);
    expect(await service.provider.accepts(accessToken)).toBe(true);
    expect((await service.api.get(connection.credential)).body.access_token).toBe(accessToken);
    expect((await detail(connection)).last_test_at).toBeNull();
  });

  test(`${action} refuses an unknown field`, async () => {
    const response = await act(action, await addConnection(service), { subject: 'u1', nonsense: 1 });
    expect(response).toMatchObject({ status: 400, body: { errors: [{ path: 'nonsense' }] } });
  });
});

describe('POST /connections/{name}/test', () => {
  test('a successful test is returned and stored', async () => {
    const connection = await addConnection(service);
    const { accessToken } = await service.provider.issueTokens(connection.clientId, 'ada');
    await service.api.post(`${connection.path}/grants`, { access_token: accessToken, expires_in: 3600 });
    const { status, body } = await act('test', connection);
    expect(status).toBe(200);
    expect(body).toEqual({
      test_result: 'success',
      message: expect.stringMatching(/./),
      tested_at: expect.stringMatching(/Z$/),
      response_time_ms: expect.any(Number),
    });
    expect(await detail(connection)).toMatchObject({
      last_test_at: body.tested_at,
      health_status: 'healthy',
      health_error: null,
    });
  });

  test('a failed test gives 200 and keeps the status of the grant', async () => {
    const connection = await addConnection(service);
    await service.api.post(`${connection.path}/grants`, { access_token: 'nonsense', expires_in: 3600 });
    expect((await act('test', connection)).body.test_result).toBe('failed');
    const after = await detail(connection);
    expect(after).toMatchObject({ status: 'completed', health_status: 'unhealthy' });
    expect(after.health_error).toEqual(expect.any(String));
    expect((await service.api.get(connection.credential)).status).toBe(200);
  });

  test('a test of a connection without a test URL is skipped', async () => {
    const connection = await addConnection(service, { body: machine });
    expect((await act('test', connection)).body.test_result).toBe('skipped');
  });

  test('a test whose token cannot be refreshed gives 503 provider_unavailable', async () => {
    const connection = await addConnection(service);
    await importGrant(service, connection, -60);
    await service.provider.setOutage('unavailable');
    expect(await act('test', connection)).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
  });

  test('a test gives 503 without a grant, and 409 when several accounts match', async () => {
    const connection = await addConnection(service, { body: { multi_account: true } });
    expect(await act('test', connection)).toMatchObject({
      status: 503,
      body: { code: 'connection_not_ready', connection_status: 'not_connected', status_reason: null },
    });
    for (const account_id of ['a', 'b']) await importGrant(service, connection, 3600, { account_id });
    expect(await act('test', connection)).toMatchObject({ status: 409, body: { code: 'account_ambiguous' } });
    expect((await act('test', connection, { account_id: 'b' })).status).toBe(200);
  });
});

describe('POST /connections/{name}/revoke', () => {
  test('revoking without a subject revokes the grants without a subject, of every account', async () => {
    const connection = await addConnection(service, { body: { multi_account: true } });
    const keys = [{ account_id: 'a' }, { account_id: 'b' }, { subject: 'u1', account_id: 'a' }];
    for (const key of keys) await importGrant(service, connection, 3600, key);
    const { status, body } = await act('revoke', connection, { reason: 'left' });
    expect(status).toBe(200);
    const revoked = body.revoked as { account_id: string; subject: string | null }[];
    expect(revoked).toHaveLength(2);
    for (const grant of revoked)
      expect(grant).toEqual({
        grant_id: expect.any(String),
        subject: null,
        account_id: expect.any(String),
        revoked_at_provider: true,
      });
    expect(revoked.map(({ account_id }) => account_id).toSorted()).toEqual(['a', 'b']);
    expect((await service.api.get(`${connection.credential}?subject=u1`)).status).toBe(200);
  });

  test('revoking a subject and account revokes that grant only', async () => {
    const connection = await addConnection(service, { body: { multi_account: true } });
    for (const account_id of ['a', 'b']) await importGrant(service, connection, 3600, { subject: 'u1', account_id });
    const { body } = await act('revoke', connection, { subject: 'u1', account_id: 'a' });
    expect(body.revoked).toMatchObject([{ subject: 'u1', account_id: 'a' }]);
    expect((await service.api.get(`${connection.credential}?subject=u1&account_id=b`)).status).toBe(200);
    expect(await service.api.get(`${connection.credential}?subject=u1&account_id=a`)).toMatchObject({
      status: 503,
      body: { code: 'connection_not_ready', connection_status: 'failed', status_reason: 'revoked' },
    });
  });

  test.each(['no endpoint', 'an unreachable provider'])(
    'a grant is revoked locally with %s for revocation',
    async (cause) => {
      const connection = await addConnection(
        service,
        cause === 'no endpoint' ? { body: { revocation_url: undefined } } : {},
      );
      await importGrant(service, connection, 3600);
      if (cause !== 'no endpoint') await service.provider.setOutage('refused');
      const { status, body } = await act('revoke', connection);
      expect(status).toBe(200);
      expect(body.revoked).toMatchObject([{ revoked_at_provider: false }]);
      expect(await detail(connection)).toMatchObject({ status: 'failed', status_reason: 'revoked' });
    },
  );
});
