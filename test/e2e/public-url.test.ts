import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBrowser } from '../support/browser/browser.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';
import { addConnection, startAuthorization, walkToCallback } from './connections.ts';
import { describeOnBothStacks } from './stack.ts';
import { openWorld, type World } from './world.ts';

const publicUrl = 'https://broker.test';

/** The service behind a proxy that terminates TLS. */
describeOnBothStacks('a public https origin', (openStack) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(openStack, { PUBLIC_URL: publicUrl });
  });
  afterAll(() => world?.close());

  const throughProxy = () => ({ origins: { [publicUrl]: world.broker.url } });
  const formPost = { authorize_params: { prompt: 'consent', response_mode: 'form_post' } };

  test('a callback posted as a form completes the authorization, and the same form again shows the outcome', async () => {
    const connection = await addConnection(world, { body: formPost });
    const authorization = await startAuthorization(world, connection);
    expect(new URL(authorization.link).origin).toBe(publicUrl);
    const browser = createBrowser(throughProxy());
    const form = await signIn(browser, authorization.link, { login: 'ada' });
    const [cookie] = browser.cookies.all(new URL(authorization.link));
    expect(cookie).toMatchObject({ secure: true, httpOnly: true, sameSite: 'None' });
    const page = await browser.submit(form);
    expect(page).toMatchObject({ method: 'POST', status: 200 });
    expect((await world.api.get(`/authorizations/${authorization.state}`)).body.status).toBe('completed');
    expect((await world.api.get(connection.credential)).status).toBe(200);
    const again = await browser.submit(form);
    expect(again).toMatchObject({ status: 200, body: page.body });
  });

  test('a callback posted from another browser is refused and leaves the authorization pending', async () => {
    const connection = await addConnection(world, { body: formPost });
    const authorization = await startAuthorization(world, connection);
    const form = await signIn(createBrowser(throughProxy()), authorization.link, { login: 'ada' });
    expect((await createBrowser(throughProxy()).submit(form)).status).toBe(400);
    expect((await world.api.get(`/authorizations/${authorization.state}`)).body.status).toBe('pending');
  });

  test('a redirect URI comes from the configuration, whatever Host and forwarding headers say', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http' };
    const connection = await addConnection(world);
    const { body } = await world.api.get(connection.path, { headers });
    expect(body.redirect_uri).toBe(`${publicUrl}/callback/${connection.name}`);
  });

  test('a callback of an authorization started under another public origin is refused, and the page names both', async () => {
    const connection = await addConnection(world);
    const authorization = await startAuthorization(world, connection);
    const { browser, callback } = await walkToCallback(authorization, { login: 'ada' }, throughProxy());
    const before = world.provider.countTokenRequests('authorization_code');
    await world.restart({ PUBLIC_URL: 'https://other.test' });
    const page = await browser.send('GET', callback);
    expect(page.status).toBe(400);
    expect(page.body).toContain(publicUrl);
    expect(page.body).toContain('https://other.test');
    expect(world.provider.countTokenRequests('authorization_code')).toBe(before);
  });
});
