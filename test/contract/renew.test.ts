import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService({ PROVIDER_RETRIES: '0' });
});
afterEach(() => service.provider.setOutage('none'));
afterAll(() => service?.close());

const renew = ({ credential }: TestConnection, rejected_token: string, more: object = {}, organization?: string) =>
  service.api.post(`${credential}/renew`, { rejected_token, ...more }, { organization });
const refreshes = ({ clientId }: TestConnection) =>
  service.provider.tokenRequests.filter((request) => request.clientId === clientId).length;

test('renewing the current token refreshes it and returns what a credential request returns', async () => {
  const connection = await addConnection(service);
  const { accessToken } = await importGrant(service, connection, 3600);
  const { status, body, headers } = await renew(connection, accessToken);
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  expect(body.access_token).not.toBe(accessToken);
  expect(await service.provider.accepts(body.access_token)).toBe(true);
  expect(body).toEqual({ ...(await service.api.get(connection.credential)).body, renewed: true });
});

test('renewing a token that is no longer current returns the current one without a provider call', async () => {
  const connection = await addConnection(service);
  const { accessToken } = await importGrant(service, connection, 3600);
  for (const stale of ['never-was', 'never-was', 'neither'])
    expect((await renew(connection, stale)).body).toMatchObject({ access_token: accessToken, renewed: false });
  expect(refreshes(connection)).toBe(0);
});

test('30 callers that renew the same token share one provider call', async () => {
  const connection = await addConnection(service);
  const { accessToken } = await importGrant(service, connection, 3600);
  const responses = await Promise.all(Array.from({ length: 30 }, () => renew(connection, accessToken)));
  expect(responses.map(({ status }) => status)).toEqual(Array(30).fill(200));
  expect(new Set(responses.map(({ body }) => body.access_token)).size).toBe(1);
  expect(refreshes(connection)).toBe(1);
});

test('renewing one grant more than ten times a minute gives 429; other grants and old tokens are not affected', async () => {
  const connection = await addConnection(service);
  const other = await addConnection(service);
  let { accessToken: current } = await importGrant(service, connection, 3600);
  for (let call = 0; call < 10; call++) {
    const { status, body } = await renew(connection, current);
    expect(status).toBe(200);
    current = body.access_token;
  }
  const refused = await renew(connection, current);
  expect(refused).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
  expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
  expect(refreshes(connection)).toBe(10);
  expect((await renew(connection, 'an-old-one')).body.access_token).toBe(current);
  expect((await service.api.get(connection.credential)).body.access_token).toBe(current);
  const { accessToken } = await importGrant(service, other, 3600);
  expect((await renew(other, accessToken)).status).toBe(200);
});

test('renewing acts on the grant that a credential request would use, including a shared grant', async () => {
  const connection = await addConnection(service);
  const { accessToken } = await importGrant(service, connection, 3600);
  const { status, body } = await renew(connection, accessToken, {}, 'acme');
  expect(status).toBe(200);
  expect(body).toMatchObject({ organization_id: null, grant_organization_id: null });
  expect((await service.api.get(connection.credential)).body.access_token).toBe(body.access_token);
  expect(body.access_token).not.toBe(accessToken);
});

test('renewing acts on the grant of that subject and account only', async () => {
  const connection = await addConnection(service, { body: { multi_account: true } });
  const first = await importGrant(service, connection, 3600, { subject: 'u1', account_id: 'a' });
  const second = await importGrant(service, connection, 3600, { subject: 'u1', account_id: 'b' });
  expect(await renew(connection, first.accessToken, { subject: 'u1' })).toMatchObject({
    status: 409,
    body: { code: 'account_ambiguous' },
  });
  const { body } = await renew(connection, first.accessToken, { subject: 'u1', account_id: 'a' });
  expect(body).toMatchObject({ subject: 'u1', account_id: 'a' });
  expect(body.access_token).not.toBe(first.accessToken);
  const untouched = await service.api.get(`${connection.credential}?subject=u1&account_id=b`);
  expect(untouched.body.access_token).toBe(second.accessToken);
});

test('renewing gives the same 404 and 503 as a credential request', async () => {
  const connection = await addConnection(service);
  expect((await service.api.post('/credentials/absent/renew', { rejected_token: 't' })).body.code).toBe(
    'connection_not_found',
  );
  expect(await renew(connection, 't')).toMatchObject({
    status: 503,
    body: { code: 'connection_not_ready', connection_status: 'not_connected', status_reason: null },
  });
  const { accessToken } = await importGrant(service, connection, 3600);
  expect((await renew(connection, accessToken, { subject: 'u1' })).body.code).toBe('grant_not_found');
  await service.provider.setOutage('unavailable');
  expect(await renew(connection, accessToken)).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
});

test('renewing a token that cannot be refreshed gives 503 connection_not_ready', async () => {
  const connection = await addConnection(service);
  await service.api.post(`${connection.path}/grants`, { access_token: 'only', expires_in: 600 });
  expect(await renew(connection, 'only')).toMatchObject({
    status: 503,
    body: { code: 'connection_not_ready', connection_status: 'failed', status_reason: 'token_expired' },
  });
  const ended = await addConnection(service);
  const { accessToken } = await importGrant(service, ended, 3600);
  service.provider.forgetRefreshTokens();
  expect(await renew(ended, accessToken)).toMatchObject({
    status: 503,
    body: { code: 'connection_not_ready', connection_status: 'failed', status_reason: 'reauthorization_required' },
  });
});

test.each([
  ['rejected_token', {}],
  ['rejected_token', { rejected_token: '' }],
  ['rejected_token', { rejected_token: 7 }],
  ['subject', { rejected_token: 't', subject: '' }],
  ['min_ttl', { rejected_token: 't', min_ttl: 60 }],
])('renewing reports a fault at %s for %j', async (path, body) => {
  const { credential } = await addConnection(service);
  const response = await service.api.post(`${credential}/renew`, body);
  expect(response).toMatchObject({ status: 400, body: { errors: [{ path }] } });
});
