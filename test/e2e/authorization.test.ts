import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBrowser } from '../support/browser/browser.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';
import { addConnection, connect, startAuthorization, walkToCallback } from './connections.ts';
import { describeOnBothStacks } from './stack.ts';
import { openWorld, type World } from './world.ts';

describeOnBothStacks('authorization', (openStack) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(openStack, { ALLOWED_RETURN_URLS: 'https://app.test' });
  });
  afterAll(() => world?.close());

  const outcome = async (state: string) => (await world.api.get(`/authorizations/${state}`)).body;
  const countCodeExchanges = () => world.provider.countTokenRequests('authorization_code');

  test('a person who follows the link and consents leaves a token that the provider accepts', async () => {
    const connection = await addConnection(world);
    const authorization = await startAuthorization(world, connection);
    expect(await outcome(authorization.state)).toMatchObject({ status: 'pending', connection_name: connection.name });
    expect((await world.api.get(connection.path)).body.status).toBe('waiting_callback');

    const page = await signIn(createBrowser(), authorization.link, { login: 'ada' });
    expect(page.status).toBe(200);
    expect(page.body).toContain(connection.name);
    expect(await outcome(authorization.state)).toMatchObject({ status: 'completed', status_reason: null });
    expect((await world.api.get(connection.path)).body).toMatchObject({ status: 'completed', status_reason: null });

    const { status, body, headers } = await world.api.get(connection.credential);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({ connection_name: connection.name, organization_id: null, status: 'completed' });
    expect(body).not.toHaveProperty('refresh_token');
    expect(await world.provider.accepts(body.access_token)).toBe(true);
  });

  test('a person who refuses leaves no grant, and the status of authorization and connection says so', async () => {
    const connection = await addConnection(world);
    const before = countCodeExchanges();
    const authorization = await startAuthorization(world, connection);
    const page = await signIn(createBrowser(), authorization.link, { login: 'ada', decision: 'deny' });
    expect(page.body).toContain('Not connected');
    expect(await outcome(authorization.state)).toMatchObject({ status: 'failed', status_reason: 'user_denied' });
    expect((await world.api.get(connection.path)).body).toMatchObject({
      status: 'failed',
      status_reason: 'user_denied',
    });
    expect((await world.api.get(`${connection.path}/grants`)).body.grants).toEqual([]);
    expect((await world.api.get(connection.credential)).body.code).toBe('connection_not_ready');
    expect(countCodeExchanges()).toBe(before);
  });

  test('a refused reconnect leaves the existing grant usable', async () => {
    const connection = await addConnection(world);
    await connect(world, connection, 'ada');
    const authorization = await startAuthorization(world, connection);
    await signIn(createBrowser(), authorization.link, { login: 'ada', decision: 'deny-login' });
    expect((await world.api.get(connection.credential)).status).toBe(200);
  });

  test('50 parallel requests of one callback send its code once', async () => {
    const connection = await addConnection(world);
    const authorization = await startAuthorization(world, connection);
    const { browser, callback } = await walkToCallback(authorization);
    const before = countCodeExchanges();
    const responses = await Promise.all(Array.from({ length: 50 }, () => browser.send('GET', callback)));
    // Every request shows the outcome that the one exchange reached.
    expect(new Set(responses.map(({ status, body }) => `${status} ${body}`)).size).toBe(1);
    expect(responses[0]).toMatchObject({ status: 200, body: expect.stringContaining('Connected') });
    expect(countCodeExchanges()).toBe(before + 1);
    expect(await outcome(authorization.state)).toMatchObject({ status: 'completed' });
  });

  test('a replayed callback shows the outcome again, sends nothing, and the connection stays connected', async () => {
    const connection = await addConnection(world);
    const { browser, callback } = await walkToCallback(await startAuthorization(world, connection));
    expect((await browser.send('GET', callback)).status).toBe(200);
    const before = countCodeExchanges();
    expect(await browser.send('GET', callback)).toMatchObject({
      status: 200,
      body: expect.stringContaining('Connected'),
    });
    expect(countCodeExchanges()).toBe(before);
    expect((await world.api.get(connection.credential)).status).toBe(200);
  });

  test('a callback from another browser never reaches the token endpoint and leaves the authorization pending', async () => {
    const connection = await addConnection(world);
    const authorization = await startAuthorization(world, connection);
    const { browser, callback } = await walkToCallback(authorization);
    const before = countCodeExchanges();
    expect((await createBrowser().send('GET', callback)).status).toBe(400);
    expect(countCodeExchanges()).toBe(before);
    expect(await outcome(authorization.state)).toMatchObject({ status: 'pending' });
    expect((await browser.send('GET', callback)).status).toBe(200);
    expect(await outcome(authorization.state)).toMatchObject({ status: 'completed' });
  });

  test('an expired authorization is refused at the callback and at the link', async () => {
    const connection = await addConnection(world);
    const authorization = await startAuthorization(world, connection);
    const { browser, callback } = await walkToCallback(authorization);
    const before = countCodeExchanges();
    await world.stack.sql(
      "update authorizations set expires_at = now() - interval '1 minute' where status = 'pending'",
    );
    expect((await browser.send('GET', callback)).status).toBe(400);
    expect((await createBrowser().open(authorization.link)).status).toBe(400);
    expect(countCodeExchanges()).toBe(before);
    expect(await outcome(authorization.state)).toMatchObject({ status: 'expired' });
    expect((await world.api.get(connection.path)).body).toMatchObject({
      status: 'failed',
      status_reason: 'authorization_expired',
    });
  });

  test('an edit of a URL that receives tokens ends pending authorizations', async () => {
    const connection = await addConnection(world);
    const authorization = await startAuthorization(world, connection);
    const { browser, callback } = await walkToCallback(authorization);
    const before = countCodeExchanges();
    const edit = { token_url: `${world.provider.endpoints.token}?edited`, client_secret: connection.clientSecret };
    expect((await world.api.patch(connection.path, edit)).status).toBe(200);
    const page = await browser.send('GET', callback);
    expect(page.body).not.toContain('>Connected<');
    expect(countCodeExchanges()).toBe(before);
    expect((await outcome(authorization.state)).status).toBe('failed');
    expect((await world.api.get(connection.credential)).body.code).toBe('connection_not_ready');
  });

  test('the callback of a cancelled authorization never reaches the token endpoint', async () => {
    const connection = await addConnection(world);
    const authorization = await startAuthorization(world, connection);
    const { browser, callback } = await walkToCallback(authorization);
    const before = countCodeExchanges();
    expect((await world.api.post(`${connection.path}/cancel`)).status).toBe(200);
    expect((await browser.send('GET', callback)).body).not.toContain('>Connected<');
    expect(countCodeExchanges()).toBe(before);
    expect(await outcome(authorization.state)).toMatchObject({
      status: 'failed',
      status_reason: 'authorization_cancelled',
    });
  });

  test('a reconnect with another account is refused, and the first account stays connected', async () => {
    const connection = await addConnection(world);
    await connect(world, connection, 'ada');
    const { access_token: before } = (await world.api.get(connection.credential)).body;
    const authorization = await startAuthorization(world, connection, { account_id: 'ada' });
    await signIn(createBrowser(), authorization.link, { login: 'grace' });
    expect(await outcome(authorization.state)).toMatchObject({ status: 'failed', status_reason: 'account_mismatch' });
    expect((await world.api.get(connection.credential)).body.access_token).toBe(before);
    expect(await world.provider.accepts(before)).toBe(true);
  });

  test('an allowed return_url receives the outcome without a token, and another one is refused', async () => {
    const connection = await addConnection(world);
    const authorization = await startAuthorization(world, connection, { return_url: 'https://app.test/done?tab=2' });
    const page = await signIn(
      createBrowser(),
      authorization.link,
      { login: 'ada' },
      (url) => url.origin === 'https://app.test',
    );
    expect(page.status).toBe(303);
    expect(page.location?.origin).toBe('https://app.test');
    expect(Object.fromEntries(page.location?.searchParams ?? [])).toEqual({
      tab: '2',
      status: 'completed',
      connection_name: connection.name,
    });
    const other = await world.api.post(`${connection.path}/authorize`, {
      return_url: 'https://app.test.evil.example/',
    });
    expect(other).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  test('a HEAD request for the link, as link scanners send, binds no browser', async () => {
    const connection = await addConnection(world);
    const authorization = await startAuthorization(world, connection);
    const scanner = await createBrowser().send('HEAD', new URL(authorization.link));
    expect(scanner.headers.getSetCookie()).toEqual([]);
    expect(scanner.location).toBeNull();
    expect((await signIn(createBrowser(), authorization.link, { login: 'ada' })).status).toBe(200);
    expect(await outcome(authorization.state)).toMatchObject({ status: 'completed' });
  });
});
