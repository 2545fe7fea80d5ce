import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, type TestConnection } from '../e2e/connections.ts';
import { json, type Reply } from '../support/provider/hostile-provider.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService({ PROVIDER_RETRIES: '0' });
});
afterAll(() => service?.close());

/** Adds a connection whose token endpoint sends the scripted replies, with a stored token that lives for an hour. */
async function connected(tokens: Record<string, unknown>, ...replies: [Reply, ...Reply[]]): Promise<TestConnection> {
  const path = `/${uniqueName('token')}`;
  service.hostile.script(path, ...replies);
  const body = { token_url: `${service.hostile.origin}${path}`, revocation_url: undefined };
  const connection = await addConnection(service, { body });
  await importToken(connection, tokens);
  return connection;
}
async function importToken({ path }: TestConnection, tokens: Record<string, unknown> = {}): Promise<void> {
  const response = await service.api.post(`${path}/grants`, { access_token: 'stored', expires_in: 3600, ...tokens });
  expect(response.status, response.text).toBe(201);
}
const renew = ({ credential }: TestConnection, rejected_token = 'stored', organization?: string) =>
  service.api.post(`${credential}/renew`, { rejected_token }, { organization });
const fetched = ({ credential }: TestConnection, organization?: string) =>
  service.api.get(credential, { organization });
const issued = (access_token: string) => json(200, { access_token, token_type: 'Bearer', expires_in: 3600 });
const down = json(503, { error: 'server_error' });
const ended = (reason: string) => ({
  status: 503,
  body: { code: 'connection_not_ready', connection_status: 'failed', status_reason: reason, next_action: 'authorize' },
});
const refusals: [string, Record<string, unknown>, Reply, string][] = [
  ['is refused', { refresh_token: 'r' }, json(400, { error: 'invalid_grant' }), 'reauthorization_required'],
  ['is impossible without a refresh token', {}, down, 'token_expired'],
];

describe('a rejected token', () => {
  test.each(refusals)('whose refresh %s is never served again', async (_case, tokens, reply, reason) => {
    const connection = await connected(tokens, reply);
    expect((await fetched(connection)).status).toBe(200);
    expect(await renew(connection)).toMatchObject(ended(reason));
    for (const _ of [1, 2]) expect(await fetched(connection)).toMatchObject(ended(reason));
    expect(await service.api.get(`${connection.credential}?min_ttl=60`)).toMatchObject(ended(reason));
    expect(await renew(connection, 'another')).toMatchObject(ended(reason));
  });

  test.each(refusals)('whose refresh %s is followed by a new token set', async (_case, tokens, reply, _reason) => {
    const connection = await connected(tokens, reply);
    await renew(connection);
    await importToken(connection, { access_token: 'imported' });
    expect(await fetched(connection)).toMatchObject({ status: 200, body: { access_token: 'imported' } });
  });

  test('is served while the provider is down, and no longer once a later refresh is refused', async () => {
    const connection = await connected({ refresh_token: 'r' }, down, json(400, { error: 'invalid_grant' }));
    expect(await renew(connection)).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
    expect(await fetched(connection)).toMatchObject({ status: 200, body: { access_token: 'stored' } });
    await service.api.post(`${connection.path}/refresh`);
    expect(await fetched(connection)).toMatchObject(ended('reauthorization_required'));
  });

  test('that the provider issues again is served, with renewed: false', async () => {
    const connection = await connected({ refresh_token: 'r' }, issued('stored'), issued('fresh'));
    expect(await renew(connection)).toMatchObject({ status: 200, body: { access_token: 'stored', renewed: false } });
    expect(await fetched(connection)).toMatchObject({ status: 200, body: { access_token: 'stored' } });
    expect(await renew(connection)).toMatchObject({ status: 200, body: { access_token: 'fresh', renewed: true } });
    expect(await renew(connection)).toMatchObject({ status: 200, body: { access_token: 'fresh', renewed: false } });
  });

  test.each(refusals)(
    'of a shared grant whose refresh %s is kept for the other organisations',
    async (_case, tokens, reply) => {
      const connection = await connected(tokens, reply);
      expect((await renew(connection, 'stored', 'acme')).status).toBe(503);
      expect(await fetched(connection, 'globex')).toMatchObject({ status: 200, body: { access_token: 'stored' } });
    },
  );
});

test('a failed grant whose token was never reported is still served', async () => {
  const connection = await connected({ refresh_token: 'r' }, json(400, { error: 'invalid_grant' }));
  await renew(connection, 'an-older-one');
  await service.api.post(`${connection.path}/refresh`);
  expect(await fetched(connection)).toMatchObject({ status: 200, body: { access_token: 'stored', status: 'failed' } });
});
