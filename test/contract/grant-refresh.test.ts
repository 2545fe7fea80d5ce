import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { json } from '../support/provider/hostile-provider.ts';
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

describe('POST /connections/{name}/refresh', () => {
  test('a refresh on demand replaces a token that is still valid', async () => {
    const connection = await addConnection(service);
    const { accessToken, grantId } = await importGrant(service, connection, 3600, { subject: 'u1' });
    const { status, body } = await act('refresh', connection, { subject: 'u1' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ grant_id: grantId, subject: 'u1', account_id: null, status: 'completed' });
    expect(body.last_refresh_at).toEqual(expect.any(String));
    const credential = await service.api.get(`${connection.credential}?subject=u1`);
    expect(credential.body.access_token).not.toBe(accessToken);
    expect(credential.body.expires_at).toBe(body.expires_at);
  });

  test('a refresh on demand gives 404 without a grant, and 400 without a refresh token', async () => {
    const connection = await addConnection(service);
    expect(await act('refresh', connection)).toMatchObject({ status: 404, body: { code: 'grant_not_found' } });
    await service.api.post(`${connection.path}/grants`, { access_token: 'a', expires_in: 600 });
    expect(await act('refresh', connection)).toMatchObject({ status: 400, body: { code: 'not_refreshable' } });
  });

  test('a refresh on demand of a grant that the provider ended gives 503, and calls the provider each time', async () => {
    const connection = await addConnection(service);
    await importGrant(service, connection, 3600);
    service.provider.forgetRefreshTokens();
    const refused = {
      status: 503,
      body: {
        code: 'connection_not_ready',
        connection_status: 'failed',
        status_reason: 'reauthorization_required',
        status_message: expect.any(String),
      },
    };
    expect(await act('refresh', connection)).toMatchObject(refused);
    const calls = service.provider.countTokenRequests();
    expect(await act('refresh', connection)).toMatchObject(refused);
    expect(service.provider.countTokenRequests()).toBe(calls + 1);
  });

  test('a refresh on demand of a revoked grant gives 503 connection_not_ready', async () => {
    const connection = await addConnection(service);
    await importGrant(service, connection, 3600);
    await act('revoke', connection);
    expect(await act('refresh', connection)).toMatchObject({
      status: 503,
      body: { code: 'connection_not_ready', connection_status: 'failed', status_reason: 'revoked' },
    });
  });

  test('a refresh on demand with an unavailable provider gives 503, and the valid token is still served', async () => {
    const connection = await addConnection(service);
    await importGrant(service, connection, 3600);
    await service.provider.setOutage('unavailable');
    expect(await act('refresh', connection)).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
    expect((await service.api.get(connection.credential)).body.status).toBe('completed');
  });

  test('a refresh on demand of client_credentials works from any status', async () => {
    service.hostile.script('/machine', json(401, { error: 'invalid_client' }));
    const token_url = `${service.hostile.origin}/machine`;
    const connection = await addConnection(service, { body: { ...machine, token_url } });
    expect((await detail(connection)).status_reason).toBe('client_rejected');
    expect((await act('refresh', connection)).body.code).toBe('connection_not_ready');
    service.hostile.script('/machine', json(200, { access_token: 'back', expires_in: 600 }));
    expect((await act('refresh', connection)).body).toMatchObject({ status: 'completed', status_reason: null });
    await act('revoke', connection);
    expect((await act('refresh', connection)).status).toBe(200);
    expect((await service.api.get(connection.credential)).body.access_token).toBe('back');
  });

  test('a refresh on demand gives 409 when several accounts match', async () => {
    const connection = await addConnection(service, { body: { multi_account: true } });
    for (const account_id of ['a', 'b']) await importGrant(service, connection, 3600, { account_id });
    const response = await act('refresh', connection);
    expect(response).toMatchObject({ status: 409, body: { code: 'account_ambiguous' } });
    expect((response.body.accounts as string[]).toSorted()).toEqual(['a', 'b']);
    expect((await act('refresh', connection, { account_id: 'a' })).body.account_id).toBe('a');
  });

  test('a refresh on demand gives 429 after ten provider calls in a minute', async () => {
    const connection = await addConnection(service);
    await importGrant(service, connection, 3600);
    const statuses: number[] = [];
    for (let call = 0; call < 11; call++) statuses.push((await act('refresh', connection)).status);
    expect(statuses).toEqual([...Array(10).fill(200), 429]);
    expect((await act('refresh', connection)).body.code).toBe('rate_limited');
  });
});
