import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { addConnection, connect, importGrant, type TestConnection } from './connections.ts';
import { describeOnBothStacks } from './stack.ts';
import { openWorld, type World } from './world.ts';

describeOnBothStacks('credentials', (openStack) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(openStack, { PROVIDER_TIMEOUT_MS: '2000', PROVIDER_CALL_CAP_MS: '3000' });
  });
  afterEach(() => world.provider.setOutage('none'));
  afterAll(() => world?.close());

  const fetchFor = (connection: TestConnection) => world.api.get(connection.credential);
  const countRefreshes = (connection: TestConnection) =>
    world.provider.tokenRequests.filter(
      ({ grantType, clientId }) => grantType === 'refresh_token' && clientId === connection.clientId,
    ).length;

  test('a client_credentials connection has a token when it is created, and can be refreshed', async () => {
    const connection = await addConnection(world, { body: clientCredentials });
    expect((await world.api.get(connection.path)).body.status).toBe('completed');
    const { body: first } = await fetchFor(connection);
    expect(await world.provider.accepts(first.access_token)).toBe(true);
    expect((await world.api.post(`${connection.path}/refresh`)).status).toBe(200);
    const { body: second } = await fetchFor(connection);
    expect(second.access_token).not.toBe(first.access_token);
    expect(await world.provider.accepts(second.access_token)).toBe(true);
    expect(await world.api.post(`${connection.path}/authorize`)).toMatchObject({
      status: 400,
      body: { code: 'flow_not_interactive' },
    });
  });

  test('a client_credentials connection with a wrong secret is stored as failed, with the reason', async () => {
    const connection = await addConnection(world, { body: { ...clientCredentials, client_secret: 'not-the-secret' } });
    expect((await world.api.get(connection.path)).body).toMatchObject({
      status: 'failed',
      status_reason: 'client_rejected',
    });
    expect(await fetchFor(connection)).toMatchObject({ status: 503, body: { code: 'connection_not_ready' } });
  });

  test.each(['unavailable', 'refused'] as const)('a valid token is served while the provider is %s', async (outage) => {
    const connection = await addConnection(world);
    // 60 s of life are within the margin in which the broker tries to refresh.
    const { accessToken } = await importGrant(world, connection, 60);
    await world.provider.setOutage(outage);
    for (const _ of [1, 2, 3])
      expect(await fetchFor(connection)).toMatchObject({ status: 200, body: { access_token: accessToken } });
  });

  test('an expired token is not served during an outage, and a new one is served as soon as the provider is back', async () => {
    const connection = await addConnection(world);
    const { accessToken } = await importGrant(world, connection, -60);
    await world.provider.setOutage('refused');
    const duringOutage = await fetchFor(connection);
    expect(duringOutage).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
    expect(Number(duringOutage.headers.get('retry-after'))).toBeGreaterThan(0);
    await world.provider.setOutage('none');
    await world.stack.sql('update grants set retry_at = null');
    const { status, body } = await fetchFor(connection);
    expect(status).toBe(200);
    expect(body.access_token).not.toBe(accessToken);
    expect(await world.provider.accepts(body.access_token)).toBe(true);
  });

  test('50 readers of an expired token share one token request and its new token', async () => {
    const connection = await addConnection(world);
    const { accessToken } = await importGrant(world, connection, -60);
    const responses = await Promise.all(Array.from({ length: 50 }, () => fetchFor(connection)));
    expect(responses.map(({ status }) => status)).toEqual(Array(50).fill(200));
    const tokens = new Set(responses.map(({ body }) => body.access_token));
    expect(tokens.size).toBe(1);
    expect(tokens.has(accessToken)).toBe(false);
    expect(countRefreshes(connection)).toBe(1);
    // The provider revokes a grant whose refresh token is sent twice, so an accepted token proves a single use.
    expect(await world.provider.accepts([...tokens][0] ?? '')).toBe(true);
    expect((await world.api.post(`${connection.path}/refresh`)).status).toBe(200);
  });

  test('a token reported as rejected ten times in parallel is renewed once', async () => {
    const connection = await addConnection(world);
    const { accessToken } = await importGrant(world, connection, 3600);
    const report = () => world.api.post(`${connection.credential}/renew`, { rejected_token: accessToken });
    const responses = await Promise.all(Array.from({ length: 10 }, report));
    const tokens = new Set(responses.map(({ body }) => body.access_token));
    expect(responses.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(tokens.size).toBe(1);
    expect(tokens.has(accessToken)).toBe(false);
    expect(countRefreshes(connection)).toBe(1);
  });

  test('invalid_grant fails the grant with the reason, and no further token request is sent until it is reconnected', async () => {
    const connection = await addConnection(world);
    await importGrant(world, connection, -60);
    world.provider.forgetRefreshTokens();
    expect(await fetchFor(connection)).toMatchObject({
      status: 503,
      body: { code: 'connection_not_ready', connection_status: 'failed', status_reason: 'reauthorization_required' },
    });
    expect((await world.api.get(connection.path)).body).toMatchObject({
      status: 'failed',
      status_reason: 'reauthorization_required',
    });
    const before = countRefreshes(connection);
    await fetchFor(connection);
    expect(countRefreshes(connection)).toBe(before);
    await connect(world, connection, 'ada');
    expect((await fetchFor(connection)).status).toBe(200);
  });

  test('a revoked token is neither served nor accepted by the provider', async () => {
    const connection = await addConnection(world);
    await connect(world, connection, 'ada');
    const { access_token: token } = (await fetchFor(connection)).body;
    const { status, body } = await world.api.post(`${connection.path}/revoke`, { reason: 'left the company' });
    expect(status).toBe(200);
    expect(body.revoked).toMatchObject([{ subject: null, revoked_at_provider: true }]);
    expect(await world.provider.accepts(token)).toBe(false);
    expect((await fetchFor(connection)).body).toMatchObject({ code: 'connection_not_ready', status_reason: 'revoked' });
  });
});

const clientCredentials = {
  oauth_flow_type: 'client_credentials',
  scopes: ['calendar'],
  authorization_url: undefined,
  test_url: undefined,
  authorize_params: undefined,
};
