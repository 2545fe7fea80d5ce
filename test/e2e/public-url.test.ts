import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBrowser } from '../support/browser.ts';
import { signIn } from '../support/sign-in.ts';
import { addConnection, startTrip, walkToCallback } from './connections.ts';
import { describeOnBothStacks } from './stack.ts';
import { openWorld, type World } from './world.ts';

const publicUrl = 'https://broker.test';

/** The service behind a proxy that ends TLS, as browsers see it. */
describeOnBothStacks('a public https origin', (openStack) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(openStack, { PUBLIC_URL: publicUrl });
  });
  afterAll(() => world?.close());

  const throughProxy = () => ({ origins: { [publicUrl]: world.broker.url } });
  const formPost = { authorize_params: { prompt: 'consent', response_mode: 'form_post' } };

  test('a callback that the provider posts as a form completes the trip', async () => {
    const connection = await addConnection(world, { body: formPost });
    const trip = await startTrip(world, connection);
    expect(new URL(trip.link).origin).toBe(publicUrl);
    const browser = createBrowser(throughProxy());
    const form = await signIn(browser, trip.link, { login: 'ada' });
    const [cookie] = browser.cookies.all(new URL(trip.link));
    expect(cookie).toMatchObject({ secure: true, httpOnly: true, sameSite: 'None' });
    const page = await browser.submit(form);
    expect(page).toMatchObject({ method: 'POST', status: 200 });
    expect((await world.api.get(`/authorizations/${trip.state}`)).body.status).toBe('completed');
    expect((await world.api.get(connection.credential)).status).toBe(200);
    expect((await browser.submit(form)).status).toBe(400);
  });

  test('a form posted from another browser is refused', async () => {
    const connection = await addConnection(world, { body: formPost });
    const trip = await startTrip(world, connection);
    const form = await signIn(createBrowser(throughProxy()), trip.link, { login: 'ada' });
    expect((await createBrowser(throughProxy()).submit(form)).status).toBe(400);
    expect((await world.api.get(`/authorizations/${trip.state}`)).body.status).toBe('pending');
  });

  test('redirect URIs come from configuration, whatever Host and forwarding headers say', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' };
    const connection = await addConnection(world);
    const { body } = await world.api.get(connection.path, { headers });
    expect(body.redirect_uri).toBe(`${publicUrl}/callback/${connection.name}`);
  });

  test('a trip begun under another origin is refused, naming both', async () => {
    const connection = await addConnection(world);
    const trip = await startTrip(world, connection);
    const { browser, callback } = await walkToCallback(trip, { login: 'ada' }, throughProxy());
    const spent = world.provider.countTokenRequests('authorization_code');
    await world.restart({ PUBLIC_URL: 'https://other.test' });
    const page = await browser.send('GET', callback);
    expect(page.status).toBe(400);
    expect(page.body).toContain(publicUrl);
    expect(page.body).toContain('https://other.test');
    expect(world.provider.countTokenRequests('authorization_code')).toBe(spent);
  });
});
