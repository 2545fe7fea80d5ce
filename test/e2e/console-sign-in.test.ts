import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { describeWithChromium, findChromium, launchChromium } from '../support/browser/chromium.ts';
import { type OidcScene, openOidcScene } from '../support/console/oidc-scene.ts';

const found = await findChromium();

describeWithChromium('the way into the console in a real browser', found, (executablePath) => {
  let scene: OidcScene;
  let browser: Browser;
  let page: Page;
  let errors: string[];
  beforeAll(async () => {
    [scene, browser] = await Promise.all([openOidcScene({ ada: ['platform-team'] }), launchChromium(executablePath)]);
  });
  afterAll(async () => {
    await browser?.close();
    await scene?.close();
  });
  beforeEach(async () => {
    page = await (await browser.newContext()).newPage();
    errors = [];
    page.on('console', (message) => {
      // Chromium asks every origin for a favicon by itself; the provider has none.
      const isOwn = message.location().url.startsWith(scene.consoleUrl);
      if (message.type() === 'error' && isOwn) errors.push(message.text());
    });
    page.on('pageerror', (error) => errors.push(error.message));
  });
  afterEach(() => page.context().close());

  const wanted = '/console/connections?q=crm';

  async function signInWithKey() {
    await page.goto(`${scene.consoleUrl}/console/sign-in`);
    await page.getByLabel('API key').fill(scene.adminKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('navigation', { name: 'Console' }).waitFor();
  }

  test('a person comes back from the provider, another site, to the page that they wanted', async () => {
    await page.goto(`${scene.consoleUrl}${wanted}`);
    await page.getByRole('link', { name: `Sign in with ${new URL(scene.identityProvider.issuer).host}` }).click();
    await page.getByLabel('Account').fill('ada');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('button[value="approve"]').click();
    await page.getByRole('heading', { name: 'Connections' }).waitFor();
    expect(page.url()).toBe(`${scene.consoleUrl}${wanted}`);
    expect(await page.getByRole('link', { name: 'Account ada' }).count()).toBe(1);
    const [cookie, ...others] = await page.context().cookies(scene.consoleUrl);
    expect(others).toEqual([]);
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' });
    expect(errors).toEqual([]);
  });

  test('a link on another site opens the page in the session of the browser', async () => {
    await signInWithKey();
    await page.goto(scene.identityProvider.issuer);
    await page.setContent(`<a href="${scene.consoleUrl}${wanted}">alert</a>`);
    await page.getByRole('link', { name: 'alert' }).click();
    await page.getByRole('heading', { name: 'Connections' }).waitFor();
    expect(page.url()).toBe(`${scene.consoleUrl}${wanted}`);
  });

  test('a page whose session has ended goes to the sign-in when it asks for a part, and back afterwards', async () => {
    await signInWithKey();
    await page.goto(`${scene.consoleUrl}${wanted}`);
    await scene.rows('delete from console_sessions');
    await page.locator('#content input[name="q"]').fill('x');
    await page.getByRole('heading', { name: 'Sign in to token-broker' }).waitFor();
    const next = new URL(page.url()).searchParams.get('next');
    expect(next).toMatch(/^\/console\/connections\?/);
    await page.getByLabel('API key').fill(scene.adminKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Connections' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/console/connections');
  });

  test('a page that polls goes to the sign-in by itself when its session has ended, and back afterwards', async () => {
    await signInWithKey();
    const polling = `${scene.consoleUrl}/console/sweeps`;
    await page.goto(polling);
    await page.waitForResponse((response) => response.request().headers()['hx-request'] !== undefined);
    await scene.rows('delete from console_sessions');
    await page.getByRole('heading', { name: 'Sign in to token-broker' }).waitFor();
    await page.getByLabel('API key').fill(scene.adminKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('navigation', { name: 'Console' }).waitFor();
    expect(page.url()).toBe(polling);
  });

  test('signing out everywhere ends the session of another browser too', async () => {
    await signInWithKey();
    const there = await (await browser.newContext()).newPage();
    await there.goto(`${scene.consoleUrl}/console/sign-in`);
    await there.getByLabel('API key').fill(scene.adminKey);
    await there.getByRole('button', { name: 'Sign in' }).click();
    await there.goto(`${scene.consoleUrl}/console/sessions`);
    expect(await there.getByText('This session').count()).toBe(1);
    await there.getByRole('button', { name: 'Sign out everywhere' }).click();
    await there.getByText('You are signed out everywhere.').waitFor();
    expect(await there.context().cookies()).toEqual([]);
    await page.goto(`${scene.consoleUrl}/console/sessions`);
    await page.getByRole('heading', { name: 'Sign in to token-broker' }).waitFor();
    await there.context().close();
  });
});
