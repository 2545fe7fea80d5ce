import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openService, type Service } from '../contract/service.ts';
import { describeWithChromium, findChromium, launchChromium } from '../support/browser/chromium.ts';
import { addConnection, type StartedAuthorization, startAuthorization } from './connections.ts';
import type { World } from './world.ts';

const found = await findChromium();

describeWithChromium('several tabs of a real browser without cookies', found, (executablePath) => {
  let world: Service;
  let browser: Browser;
  let context: BrowserContext;

  beforeAll(async () => {
    [world, browser] = await Promise.all([openService(), launchChromium(executablePath)]);
  });
  afterAll(async () => {
    await browser?.close();
    await world?.close();
  });
  beforeEach(async () => {
    context = await browser.newContext();
  });
  afterEach(() => context.close());

  /**
   * Opens links in tabs of their own, at once. Their responses reach the browser together, after the service has bound
   * every one of them: each tab is a first visit.
   */
  async function openAtOnce(links: readonly string[]): Promise<Page[]> {
    let arrived = 0;
    let release = () => {};
    const all = new Promise<void>((resolve) => {
      release = resolve;
    });
    await context.route('**/authorize/*', async (route) => {
      const response = await route.fetch({ maxRedirects: 0 });
      arrived += 1;
      if (arrived >= links.length) release();
      await all;
      await route.fulfill({ response });
    });
    const tabs = await Promise.all(links.map(() => context.newPage()));
    await Promise.all(tabs.map((tab, index) => tab.goto(links[index] ?? '')));
    await context.unroute('**/authorize/*');
    return tabs;
  }

  /** Signs in and allows the access. A tab that finds an earlier sign-in is asked for the consent alone. */
  async function allow(tab: Page, login = 'ada'): Promise<void> {
    await tab.reload();
    if ((await tab.getByLabel('Account').count()) > 0) {
      await tab.getByLabel('Account').fill(login);
      await tab.getByRole('button', { name: 'Sign in' }).click();
    }
    await tab.getByRole('button', { name: 'Allow access' }).click();
  }

  const connected = (tab: Page) => tab.getByRole('heading', { name: 'Connected', exact: true }).waitFor();
  const status = async ({ api }: World, { state }: StartedAuthorization) =>
    (await api.get(`/authorizations/${state}`)).body.status;
  const start = async (in_: World, body?: Record<string, unknown>) =>
    startAuthorization(in_, await addConnection(in_), body);

  test('two links that are opened at once are both completed', async () => {
    const authorizations = [await start(world), await start(world)];
    const tabs = await openAtOnce(authorizations.map(({ link }) => link));
    for (const tab of tabs) {
      await allow(tab);
      await connected(tab);
    }
    for (const authorization of authorizations) expect(await status(world, authorization)).toBe('completed');
  });

  test('a link that is clicked twice is completed, and both tabs show the outcome', async () => {
    const authorization = await start(world);
    const tabs = await openAtOnce([authorization.link, authorization.link]);
    const before = world.provider.countTokenRequests('authorization_code');
    for (const tab of tabs) {
      await allow(tab);
      await connected(tab);
    }
    expect(await status(world, authorization)).toBe('completed');
    expect(world.provider.countTokenRequests('authorization_code')).toBe(before + 1);
    // The link itself, clicked once more.
    const again = await context.newPage();
    await again.goto(authorization.link);
    await connected(again);
  });

  test('reload, back and the same address again show the outcome, in this browser only', async () => {
    const authorization = await start(world);
    const tab = await context.newPage();
    await tab.goto(authorization.link);
    await allow(tab);
    await connected(tab);
    const callback = tab.url();
    await tab.reload();
    await connected(tab);
    await tab.goto(`${world.broker.url}/docs`);
    await tab.goBack();
    await connected(tab);
    await (await context.newPage()).goto(callback);
    await connected(context.pages().at(-1) ?? tab);
    const stranger = await browser.newContext();
    const page = await stranger.newPage();
    await page.goto(callback);
    await page.getByRole('heading', { name: 'This sign-in belongs to another browser' }).waitFor();
    await stranger.close();
  });

  test('a link that was cancelled meanwhile leads back to return_url, and back again', async () => {
    const connection = await addConnection(world);
    const body = { return_url: 'https://app.example/done', client_state: 'theirs' };
    const authorization = await startAuthorization(world, connection, body);
    await context.route('https://app.example/**', (route) => route.fulfill({ body: 'the application' }));
    const tab = await context.newPage();
    await tab.goto(authorization.link);
    await world.api.post(`${connection.path}/cancel`, {});
    await allow(tab);
    const failed = `status=failed&connection_name=${connection.name}&status_reason=authorization_cancelled&client_state=theirs`;
    await tab.waitForURL(`https://app.example/done?${failed}`);
  });

  test('a page that loads links as images or frames binds no browser', async () => {
    const authorization = await start(world);
    await context.route('http://localhost:1/**', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<img src="${authorization.link}"><iframe src="${authorization.link}"></iframe>`,
      }),
    );
    const tab = await context.newPage();
    await tab.goto('http://localhost:1/');
    expect((await context.cookies()).filter(({ name }) => name.startsWith('token-broker'))).toEqual([]);
  });

  describe('two services on one host', () => {
    let other: Service;
    beforeAll(async () => {
      other = await openService();
    });
    afterAll(() => other?.close());

    test('complete their links side by side, although cookies do not separate ports', async () => {
      // One provider serves both: two providers on one host would share the names of their cookies.
      const services = [world, { ...other, provider: world.provider }];
      const authorizations = await Promise.all(services.map((service) => start(service)));
      const tabs = await openAtOnce(authorizations.map(({ link }) => link));
      const names = (await context.cookies()).map(({ name }) => /^token-broker-[\w-]{8}-/.exec(name)?.[0]);
      expect(new Set(names.filter((name) => name !== undefined)).size).toBe(2);
      for (const tab of tabs) {
        await allow(tab);
        await connected(tab);
      }
      for (const [index, authorization] of authorizations.entries()) {
        expect(await status(services[index] ?? world, authorization)).toBe('completed');
      }
    });
  });
});
