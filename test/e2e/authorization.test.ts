import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBrowser } from '../support/browser.ts';
import { signIn } from '../support/sign-in.ts';
import { addConnection, connect, startTrip, walkToCallback } from './connections.ts';
import { describeOnBothStacks } from './stack.ts';
import { openWorld, type World } from './world.ts';

describeOnBothStacks('authorization', (openStack) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(openStack, { ALLOWED_RETURN_URLS: 'https://app.test' });
  });
  afterAll(() => world?.close());

  const outcome = async (state: string) => (await world.api.get(`/authorizations/${state}`)).body;
  const codesSpent = () => world.provider.countTokenRequests('authorization_code');

  test('a person who follows the link and consents leaves a token that works', async () => {
    const connection = await addConnection(world);
    const trip = await startTrip(world, connection);
    expect(await outcome(trip.state)).toMatchObject({ status: 'pending', connection_name: connection.name });
    expect((await world.api.get(connection.path)).body.status).toBe('waiting_callback');

    const page = await signIn(createBrowser(), trip.link, { login: 'ada' });
    expect(page.status).toBe(200);
    expect(page.body).toContain(connection.name);
    expect(await outcome(trip.state)).toMatchObject({ status: 'completed', status_reason: null });
    expect((await world.api.get(connection.path)).body).toMatchObject({ status: 'completed', status_reason: null });

    const { status, body, headers } = await world.api.get(connection.credential);
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({ connection_name: connection.name, organization_id: null, status: 'completed' });
    expect(body).not.toHaveProperty('refresh_token');
    expect(await world.provider.accepts(body.access_token)).toBe(true);
  });

  test('a person who refuses leaves no grant, and whoever waits is told', async () => {
    const connection = await addConnection(world);
    const spent = codesSpent();
    const trip = await startTrip(world, connection);
    const page = await signIn(createBrowser(), trip.link, { login: 'ada', decision: 'deny' });
    expect(page.body).toContain('Not connected');
    expect(await outcome(trip.state)).toMatchObject({ status: 'failed', status_reason: 'user_denied' });
    expect((await world.api.get(connection.path)).body).toMatchObject({
      status: 'failed',
      status_reason: 'user_denied',
    });
    expect((await world.api.get(`${connection.path}/grants`)).body.grants).toEqual([]);
    expect((await world.api.get(connection.credential)).body.code).toBe('connection_not_ready');
    expect(codesSpent()).toBe(spent);
  });

  test('a refused reconnect leaves the working grant working', async () => {
    const connection = await addConnection(world);
    await connect(world, connection, 'ada');
    const trip = await startTrip(world, connection);
    await signIn(createBrowser(), trip.link, { login: 'ada', decision: 'deny-login' });
    expect((await world.api.get(connection.credential)).status).toBe(200);
  });

  test('a callback that comes 50 times at once spends its code once', async () => {
    const connection = await addConnection(world);
    const trip = await startTrip(world, connection);
    const { browser, callback } = await walkToCallback(trip);
    const spent = codesSpent();
    const answers = await Promise.all(Array.from({ length: 50 }, () => browser.send('GET', callback)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(49);
    expect(codesSpent()).toBe(spent + 1);
    expect(await outcome(trip.state)).toMatchObject({ status: 'completed' });
  });

  test('a callback replayed later is refused, and the connection stays connected', async () => {
    const connection = await addConnection(world);
    const { browser, callback } = await walkToCallback(await startTrip(world, connection));
    expect((await browser.send('GET', callback)).status).toBe(200);
    const spent = codesSpent();
    expect((await browser.send('GET', callback)).status).toBe(400);
    expect(codesSpent()).toBe(spent);
    expect((await world.api.get(connection.credential)).status).toBe(200);
  });

  test('a callback from another browser reaches neither the provider nor the trip', async () => {
    const connection = await addConnection(world);
    const trip = await startTrip(world, connection);
    const { browser, callback } = await walkToCallback(trip);
    const spent = codesSpent();
    expect((await createBrowser().send('GET', callback)).status).toBe(400);
    expect(codesSpent()).toBe(spent);
    expect(await outcome(trip.state)).toMatchObject({ status: 'pending' });
    expect((await browser.send('GET', callback)).status).toBe(200);
    expect(await outcome(trip.state)).toMatchObject({ status: 'completed' });
  });

  test('a trip that outlived its time is refused at the callback and at the link', async () => {
    const connection = await addConnection(world);
    const trip = await startTrip(world, connection);
    const { browser, callback } = await walkToCallback(trip);
    const spent = codesSpent();
    await world.stack.sql(
      "update authorizations set expires_at = now() - interval '1 minute' where status = 'pending'",
    );
    expect((await browser.send('GET', callback)).status).toBe(400);
    expect((await createBrowser().open(trip.link)).status).toBe(400);
    expect(codesSpent()).toBe(spent);
    expect(await outcome(trip.state)).toMatchObject({ status: 'expired' });
    expect((await world.api.get(connection.path)).body).toMatchObject({
      status: 'failed',
      status_reason: 'authorization_expired',
    });
  });

  test('an edit of where tokens go voids the trips that were under way', async () => {
    const connection = await addConnection(world);
    const trip = await startTrip(world, connection);
    const { browser, callback } = await walkToCallback(trip);
    const spent = codesSpent();
    const edit = { test_url: `${world.provider.endpoints.userinfo}?edited`, client_secret: connection.clientSecret };
    expect((await world.api.patch(connection.path, edit)).status).toBe(200);
    const page = await browser.send('GET', callback);
    expect(page.body).not.toContain('>Connected<');
    expect(codesSpent()).toBe(spent);
    expect((await outcome(trip.state)).status).toBe('failed');
    expect((await world.api.get(connection.credential)).body.code).toBe('connection_not_ready');
  });

  test('a cancelled trip is void', async () => {
    const connection = await addConnection(world);
    const trip = await startTrip(world, connection);
    const { browser, callback } = await walkToCallback(trip);
    const spent = codesSpent();
    expect((await world.api.post(`${connection.path}/cancel`)).status).toBe(200);
    expect((await browser.send('GET', callback)).body).not.toContain('>Connected<');
    expect(codesSpent()).toBe(spent);
    expect(await outcome(trip.state)).toMatchObject({ status: 'failed', status_reason: 'authorization_cancelled' });
  });

  test('a reconnect that ends at another account is refused, and the first account stays', async () => {
    const connection = await addConnection(world);
    await connect(world, connection, 'ada');
    const { access_token: before } = (await world.api.get(connection.credential)).body;
    const trip = await startTrip(world, connection, { account_id: 'ada' });
    await signIn(createBrowser(), trip.link, { login: 'grace' });
    expect(await outcome(trip.state)).toMatchObject({ status: 'failed', status_reason: 'account_mismatch' });
    expect((await world.api.get(connection.credential)).body.access_token).toBe(before);
    expect(await world.provider.accepts(before)).toBe(true);
  });

  test('the outcome goes to the return_url that was allowed, without any token in it', async () => {
    const connection = await addConnection(world);
    const trip = await startTrip(world, connection, { return_url: 'https://app.test/done?tab=2' });
    const page = await signIn(createBrowser(), trip.link, { login: 'ada' }, (url) => url.origin === 'https://app.test');
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

  test('opening the link with HEAD, as link scanners do, binds no browser', async () => {
    const connection = await addConnection(world);
    const trip = await startTrip(world, connection);
    const scanner = await createBrowser().send('HEAD', new URL(trip.link));
    expect(scanner.headers.getSetCookie()).toEqual([]);
    expect(scanner.location).toBeNull();
    expect((await signIn(createBrowser(), trip.link, { login: 'ada' })).status).toBe(200);
    expect(await outcome(trip.state)).toMatchObject({ status: 'completed' });
  });
});
