import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { describeWithChromium, findChromium, launchChromium } from '../support/browser/chromium.ts';
import { addConnection, type StartedAuthorization, startAuthorization } from './connections.ts';
import { openEmbedded } from './stack.ts';
import { openWorld, type World } from './world.ts';

const found = await findChromium();

describeWithChromium('the pages in a real browser', found, (executablePath) => {
  let world: World;
  let browser: Browser;
  let page: Page;
  let requested: string[];
  let consoleErrors: string[];

  beforeAll(async () => {
    [world, browser] = await Promise.all([openWorld(openEmbedded), launchChromium(executablePath)]);
  });
  afterAll(async () => {
    await browser?.close();
    await world?.close();
  });
  beforeEach(async () => {
    page = await (await browser.newContext()).newPage();
    requested = [];
    consoleErrors = [];
    page.on('request', (request) => requested.push(request.url()));
    page.on('console', (message) => message.type() === 'error' && consoleErrors.push(message.text()));
    page.on('pageerror', (error) => consoleErrors.push(error.message));
  });
  afterEach(() => page.context().close());

  async function signIn(authorization: StartedAuthorization, login: string, decision: 'approve' | 'deny' = 'approve') {
    await page.goto(authorization.link);
    await page.getByLabel('Account').fill(login);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator(`button[value="${decision}"]`).click();
  }

  const status = async (authorization: StartedAuthorization) =>
    (await world.api.get(`/authorizations/${authorization.state}`)).body.status;
  /** Leaves out favicons: Chromium requests one from every origin by itself. */
  const requestedHosts = () =>
    new Set(requested.filter((url) => !url.endsWith('/favicon.ico')).map((url) => new URL(url).host));

  test('a person connects an account and reads the name of the connection', async () => {
    const connection = await addConnection(world);
    const authorization = await startAuthorization(world, connection);
    await signIn(authorization, 'ada');
    await page.getByRole('heading', { name: 'Connected', exact: true }).waitFor();
    expect(await page.getByText(connection.name, { exact: true }).count()).toBe(1);
    expect(await status(authorization)).toBe('completed');
    // Requests went to the broker and the provider only, and the page's own policy blocked none of them.
    expect(requestedHosts()).toEqual(new Set([new URL(world.broker.url).host, new URL(world.provider.issuer).host]));
    expect(consoleErrors.filter((text) => text.includes('Content Security Policy'))).toEqual([]);
  });

  test('a person who refuses reads that no account was connected', async () => {
    const authorization = await startAuthorization(world, await addConnection(world));
    await signIn(authorization, 'ada', 'deny');
    await page.getByRole('heading', { name: 'Not connected: access was not allowed' }).waitFor();
    expect(await status(authorization)).toBe('failed');
  });

  test('the result page applies its style and holds no script', async () => {
    const authorization = await startAuthorization(world, await addConnection(world));
    await signIn(authorization, 'ada');
    const card = page.locator('main');
    await card.waitFor();
    expect(await page.locator('script').count()).toBe(0);
    // If the policy lacks the style's hash, the style is blocked and the card is as wide as the window.
    const width = (await card.boundingBox())?.width ?? Number.POSITIVE_INFINITY;
    expect(width).toBeLessThan((page.viewportSize()?.width ?? 0) - 100);
  });

  test.each(['light', 'dark'] as const)(
    'the pages fit a phone and follow its %s colour scheme',
    async (colorScheme) => {
      await page.setViewportSize({ width: 360, height: 740 });
      await page.emulateMedia({ colorScheme });
      const connection = await addConnection(world, { organization: 'an-organisation-with-a-long-name.example' });
      const subject = 'a'.repeat(90);
      const visits = [
        async () => signIn(await startAuthorization(world, connection, { subject }), 'ada'),
        () => page.goto(`${world.broker.url}/authorize/${'x'.repeat(43)}`),
      ];
      for (const visit of visits) {
        await visit();
        await page.locator('main.card').waitFor();
        const width = await page.evaluate('document.documentElement.scrollWidth');
        const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
        expect(width).toBe(360);
        expect(background).toBe(colorScheme === 'dark' ? 'rgb(18, 21, 27)' : 'rgb(243, 245, 248)');
      }
    },
  );

  test('a used callback opened again shows the outcome and changes nothing', async () => {
    const authorization = await startAuthorization(world, await addConnection(world));
    let callback = '';
    page.on('request', (request) => {
      if (new URL(request.url()).pathname.startsWith('/callback/')) callback = request.url();
    });
    await signIn(authorization, 'ada');
    await page.getByRole('heading', { name: 'Connected', exact: true }).waitFor();
    const response = await page.goto(callback);
    expect(response?.status()).toBe(200);
    await page.getByRole('heading', { name: 'Connected', exact: true }).waitFor();
    expect(await status(authorization)).toBe('completed');
  });

  test('only the browser that opened a link last can complete the authorization', async () => {
    const authorization = await startAuthorization(world, await addConnection(world));
    await page.goto(authorization.link);
    const later = await (await browser.newContext()).newPage();
    try {
      await later.goto(authorization.link);
      await page.getByLabel('Account').fill('eve');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('button', { name: 'Allow access' }).click();
      await page.getByRole('heading', { name: 'This sign-in belongs to another browser' }).waitFor();
      expect(await status(authorization)).toBe('pending');
    } finally {
      await later.context().close();
    }
  });

  test('an unknown link shows an error page with an explanation', async () => {
    const response = await page.goto(`${world.broker.url}/authorize/${'x'.repeat(43)}`);
    expect(response?.status()).toBe(400);
    expect(await page.getByRole('alert').textContent()).not.toBe('');
  });

  test('the documentation page requests nothing from other hosts', async () => {
    await page.goto(`${world.broker.url}/docs`);
    expect(await page.getByText('/credentials/{name}').count()).toBeGreaterThan(0);
    expect(requestedHosts()).toEqual(new Set([new URL(world.broker.url).host]));
    expect(consoleErrors.filter((text) => text.includes('Content Security Policy'))).toEqual([]);
  });
});
