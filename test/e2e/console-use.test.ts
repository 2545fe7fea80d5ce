import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openService, type Service } from '../contract/service.ts';
import { describeWithChromium, findChromium, launchChromium } from '../support/browser/chromium.ts';
import { axeFaults, type ConsoleWindow, openConsoleWindow, tooWide } from '../support/console/console-window.ts';
import { createKeyboard } from '../support/console/keyboard.ts';
import { addressesOf } from '../support/console/page-addresses.ts';
import { fillScene, type Scene } from '../support/console/scene.ts';
import { consentAs, createConnection, registerFor } from '../support/console/walk.ts';

const found = await findChromium();

describeWithChromium('the console used by a person', found, (executablePath) => {
  let service: Service;
  let browser: Browser;
  let scene: Scene;
  const windows: ConsoleWindow[] = [];

  beforeAll(async () => {
    [service, browser] = await Promise.all([openService(), launchChromium(executablePath)]);
    scene = await fillScene(service);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.close();
  });
  afterEach(() => Promise.all(windows.splice(0).map((window) => window.close())));

  async function open(key: string | null, options = {}): Promise<ConsoleWindow> {
    const window = await openConsoleWindow(browser, service.broker.url, key, options);
    windows.push(window);
    return window;
  }
  const pageOf = (name: string, part = '') => `/console/connections/${name}${part}?organization=${scene.organization}`;

  test('without scripts every page shows its content, and only what works', async () => {
    const { page, open: goTo } = await open(service.stack.adminKey(), { javaScriptEnabled: false });
    for (const address of Object.values(addressesOf).flatMap((of) => of(scene))) {
      await goTo(address);
      const heading = await page.locator('h1').textContent();
      const outside = page.locator('button:visible:not(form button)');
      expect([heading?.trim() !== '', await outside.allTextContents()], address).toEqual([true, []]);
    }
  });

  test('without scripts an administrator makes, connects, tests, edits and deletes a connection', async () => {
    const name = 'without-scripts';
    const values = await registerFor(service, scene.organization, name);
    const { page, open: goTo } = await open(service.stack.adminKey(), { javaScriptEnabled: false });
    await goTo('/console/connections');
    await createConnection(page, name, scene.organization, values);
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await consentAs(page, 'ada');
    await page.getByRole('heading', { name, exact: true }).waitFor();
    expect(await page.locator('.badge').first().textContent()).toBe('Works');

    await page.goto(`${service.broker.url}${pageOf(name, '/edit')}`);
    await page.getByText('Advanced').first().click();
    await page.getByLabel('Description').fill('Edited without scripts.');
    await page.getByRole('button', { name: 'Review the changes' }).first().click();
    await page.getByRole('button', { name: 'Apply the changes' }).click();
    await page.getByText('Edited without scripts.').first().waitFor();

    await page.goto(`${service.broker.url}${pageOf(name, '/delete')}`);
    await page.getByLabel('Type the name of the connection').fill(name);
    await page.getByRole('button', { name: 'Delete the connection' }).click();
    await page.getByRole('heading', { name: `${name} is deleted` }).waitFor();
    expect((await service.api.get(`/connections/${name}`, { organization: scene.organization })).status).toBe(404);
  });

  test('by keyboard a person finds a failing connection, learns why, reconnects it and deletes another', async () => {
    const window = await open(null);
    const { page } = window;
    const keys = createKeyboard(page);
    await window.open('/console/sign-in');
    await keys.type(service.stack.adminKey());
    await keys.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();

    await keys.press('/');
    await keys.type(scene.failing.name);
    await keys.press('Enter');
    await page.getByRole('heading', { name: 'Connections' }).waitFor();
    await keys.tabTo(scene.failing.name);
    await keys.press('Enter');
    await page.getByRole('heading', { name: scene.failing.name }).waitFor();
    await keys.tabTo('Evidence, and who waits');
    await keys.press('Enter');
    await page.getByText('invalid_grant').first().waitFor();
    await keys.tabTo('Reconnect');
    await keys.press('Enter');
    await consentByKeyboard(page);
    await page.locator('#connection .badge', { hasText: 'Works' }).waitFor();

    await keys.press('g', 'c');
    await page.getByRole('heading', { name: 'Connections' }).waitFor();
    await keys.press('?');
    expect(await keys.focused()).toMatchObject({ tag: 'button' });
    await keys.press('Escape');
    await keys.tabTo('slack-alerts');
    await keys.press('Enter');
    await page.getByRole('heading', { name: 'slack-alerts' }).waitFor();
    await keys.tabTo('Settings');
    await keys.press('Enter');
    await page.waitForURL('**/settings?*');
    await keys.tabTo(/^Delete/);
    await keys.press('Enter');
    await page.waitForURL('**/delete?*');
    await keys.tabTo(/^Type the name/);
    await keys.type('slack-alerts');
    await keys.tabTo('Delete the connection');
    await keys.press('Enter');
    await page.getByRole('heading', { name: 'slack-alerts is deleted' }).waitFor();
    const workflow = await service.api.get('/workflows/alerts', { organization: scene.organization });
    expect(workflow.body.is_disabled).toBe(true);
    expect(keys.lost).toEqual([]);
  });

  test('the pages that answer a form are accessible too', async () => {
    const {
      page,
      open: goTo,
      faults,
    } = await open(service.stack.adminKey(), { viewport: { width: 375, height: 900 } });
    const press = (name: string) => page.getByRole('button', { name, exact: true }).first().click();
    const forms: [address: string, fill: () => Promise<unknown>][] = [
      [pageOf('gmail', '/share'), () => press('Make a link')],
      [pageOf(scene.working.name), () => press('Test')],
      [pageOf(scene.working.name, '/delete'), () => press('Delete the connection')],
      ['/console/new-connection?provider=generic', () => press('Create connection')],
      [
        '/console/api-keys/new',
        () =>
          page
            .getByLabel('Name')
            .fill('Reports')
            .then(() => press('Make the key')),
      ],
    ];
    for (const [address, fill] of forms) {
      await goTo(address);
      await Promise.all([page.waitForResponse((response) => response.request().method() === 'POST'), fill()]);
      await page.waitForLoadState();
      expect([...(await axeFaults(page)), ...(await tooWide(page))], address).toEqual([]);
    }
    // Forms that were left empty are answered with 400.
    expect(faults.filter((fault) => !fault.includes('status of 4'))).toEqual([]);
  });

  test('keys that are typed into a field stay in the field', async () => {
    const { page, open: goTo } = await open(service.stack.adminKey());
    await goTo('/console/explain');
    const field = page.getByLabel('Subject').first();
    await field.focus();
    await page.keyboard.type('g c ? / g w');
    expect(await field.inputValue()).toBe('g c ? / g w');
    expect(new URL(page.url()).pathname).toBe('/console/explain');
    expect(await page.locator('dialog[open]').count()).toBe(0);
  });

  test('the list follows what a person types, without a reload', async () => {
    const { page, open: goTo, faults } = await open(service.stack.adminKey());
    await goTo('/console/connections');
    await page.evaluate('kept = true');
    await page.getByLabel('Name or description').pressSequentially('gmai');
    await expect.poll(() => page.locator('#list tbody tr').count()).toBe(1);
    expect(await page.locator('#list').textContent()).toContain('gmail');
    expect(await page.evaluate('typeof kept')).toBe('boolean');
    expect(await page.evaluate('document.activeElement.name')).toBe('q');
    expect(faults).toEqual([]);
  });

  test('a page shows a change by another person, and keeps the focus and what is open', async () => {
    const { page, open: goTo, faults } = await open(service.stack.adminKey());
    await goTo(pageOf('notion-docs'));
    const details = page.locator('#connection details.curl');
    await details.locator('summary').click();
    await page.evaluate('kept = true');
    await page.locator('#connection summary').first().focus();
    await service.api.post(
      '/connections/notion-docs/grants',
      { access_token: 'imported', expires_in: 86_400 },
      { organization: scene.organization },
    );
    await page.locator('#connection .badge', { hasText: 'Works' }).waitFor();
    expect(await page.evaluate('typeof kept')).toBe('boolean');
    expect(await details.getAttribute('open')).not.toBeNull();
    expect(await page.evaluate('document.activeElement.tagName')).toBe('SUMMARY');
    expect(faults).toEqual([]);
  });

  test('a page keeps what it shows while its updates are refused', async () => {
    const { page, open: goTo } = await open(service.stack.adminKey());
    await goTo(pageOf('gmail'));
    const shown = await page.locator('#connection').textContent();
    let refused = 0;
    await page.route('**/console/connections/gmail**', (route) => {
      refused += 1;
      return route.fulfill({
        status: refused === 1 ? 503 : 429,
        contentType: 'text/html',
        body: '<h1>Not now</h1>',
      });
    });
    await expect.poll(() => refused, { timeout: 30_000 }).toBeGreaterThan(2);
    expect(await page.locator('#connection').textContent()).toBe(shown);
  });

  test('a session that ends while a page brings itself up to date leads to the sign-in', async () => {
    const { id, key } = await service.newKey({ name: 'Leaving' });
    const { page, open: goTo } = await open(key);
    await goTo(pageOf(scene.working.name));
    await service.api.delete(`/admin/api-keys/${id}`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/console/sign-in');
  });

  test('a link on another site leads a signed-in person to the page, through one page of the console', async () => {
    const window = await open(service.stack.adminKey());
    const target = `${service.broker.url}${pageOf(scene.working.name)}`;
    const { page } = window;
    const site = await serveLink(target);
    const visited: string[] = [];
    page.on('request', (request) => request.isNavigationRequest() && visited.push(request.url()));
    try {
      await page.goto(site.url);
      await page.getByRole('link').click();
      await page.getByRole('heading', { name: scene.working.name }).waitFor();
      // The page of the console that asks for the cookie marks its request, and the address loses the mark again.
      expect(visited).toEqual([site.url, target, `${target}&from_link=1`, target]);
      expect(page.url()).toBe(target);
      expect(await page.getByRole('button', { name: 'Sign out' }).count()).toBe(1);
    } finally {
      await site.close();
    }
  });

  test('a link on another site leads to the sign-in and then to the page', async () => {
    const { page } = await open(null);
    const site = await serveLink(`${service.broker.url}${pageOf(scene.working.name)}`);
    try {
      await page.goto(site.url);
      await page.getByRole('link').click();
      await page.getByLabel('API key').fill(service.stack.adminKey());
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('heading', { name: scene.working.name }).waitFor();
    } finally {
      await site.close();
    }
  });
});

/** The fields of the provider have the focus when its pages open, or the first Tab leads to them. */
async function consentByKeyboard(page: Page): Promise<void> {
  await page.getByLabel('Account').waitFor();
  await page.keyboard.type('ada');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Allow access' }).waitFor();
  await createKeyboard(page).tabTo('Allow access');
  await page.keyboard.press('Enter');
}

/** Serves a page with one link at `localhost`, which is another site than 127.0.0.1 to a browser. */
async function serveLink(target: string) {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(`<!doctype html><title>Chat</title><a href="${target}">the alert</a>`);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
