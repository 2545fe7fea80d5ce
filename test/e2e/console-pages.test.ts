import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service } from '../contract/service.ts';
import { describeWithChromium, findChromium, launchChromium } from '../support/browser/chromium.ts';
import { consoleRoutes } from '../support/console/console-routes.ts';
import {
  axeFaults,
  type ConsoleWindow,
  openConsoleWindow,
  settle,
  tooWide,
} from '../support/console/console-window.ts';
import { addHostileConnection, hostileText, markedPath } from '../support/console/hostile-text.ts';
import { addressesOf, publicPages, withoutPage } from '../support/console/page-addresses.ts';
import { fillScene, type Placed, type Scene } from '../support/console/scene.ts';

const found = await findChromium();
/** Folder for pictures of every page. Absent: none are made. */
const pictures = process.env.CONSOLE_PICTURES;
/** Folder for the two pictures of the README. Absent: they are not made. */
const readmePictures = process.env.README_PICTURES;
const schemes = ['light', 'dark'] as const;
const widths = [1280, 375];
const height = 900;

describeWithChromium('the pages of the console in a real browser', found, (executablePath) => {
  let service: Service;
  let browser: Browser;
  let scene: Scene;
  let windows: ConsoleWindow[];
  let strangers: ConsoleWindow[];

  beforeAll(async () => {
    [service, browser] = await Promise.all([openService(), launchChromium(executablePath)]);
    scene = await fillScene(service);
    const open = (key: string | null) =>
      Promise.all(schemes.map((colorScheme) => openConsoleWindow(browser, service.broker.url, key, { colorScheme })));
    windows = await open(service.stack.adminKey());
    strangers = await open(null);
  });
  afterAll(async () => {
    await browser?.close();
    await service?.close();
  });

  test('the list of addresses names every page that the console serves, and no other', async () => {
    const got = (await consoleRoutes())
      .filter(({ method }) => method === 'GET')
      .map(({ path }) => path.replace(/\/$/, ''));
    const pages = got.filter((path) => !path.startsWith('/console/assets/'));
    expect([...Object.keys(addressesOf), ...withoutPage].sort()).toEqual(pages.sort());
  });

  test.each(Object.keys(addressesOf))('%s is whole, accessible and fits its window in both schemes', async (page) => {
    const addresses = addressesOf[page]?.(scene) ?? [];
    const opened = publicPages.includes(page) ? strangers : windows;
    const faults = await Promise.all(opened.map((window, at) => inspect(window, addresses, schemes[at] ?? '')));
    expect(faults.flat()).toEqual([]);
  });

  test.runIf(readmePictures !== undefined)('makes the pictures of the README', async () => {
    const window = await openConsoleWindow(browser, service.broker.url, service.stack.adminKey());
    const { page, open } = window;
    const { organization, failing } = scene;
    const shown = {
      overview: '/console',
      why: `/console/connections/${failing.name}/why?organization=${organization}`,
    };
    await page.setViewportSize({ width: 1200, height: 860 });
    for (const [name, address] of Object.entries(shown)) {
      await open(address);
      await page.screenshot({ path: join(readmePictures ?? '', `console-${name}.png`) });
    }
    await window.close();
  });

  describe('with texts from outside that are markup', () => {
    let window: ConsoleWindow;
    let hostile: Placed;
    const live = new Set<string>();
    const shown = new Set<string>();

    beforeAll(async () => {
      hostile = await addHostileConnection(service, scene.organization);
      window = await openConsoleWindow(browser, service.broker.url, service.stack.adminKey(), {
        userAgent: hostileText,
      });
    });

    test.each(Object.keys(addressesOf))('%s shows them as text', async (page) => {
      const addresses = new Set(
        addressesOf[page]?.({ ...scene, working: hostile, failing: hostile, workflowId: 'hostile' }),
      );
      for (const address of addresses) {
        const opened = await window.open(address);
        expect(await markupFaults(window), address).toEqual([]);
        if (await showsHostileText(opened)) shown.add(page);
        if ((await opened.locator('[hx-trigger*="every"]').count()) > 0) live.add(address);
      }
    });

    test.each(echoing)('%s repeats its parameters as text, number %$', async (path, names) => {
      const query = new URLSearchParams(Object.fromEntries(names.map((name) => [name, hostileText])));
      await window.open(`${path}?${query}`);
      // Some values are refused: their page is an error page.
      const faults = (await markupFaults(window)).filter((fault) => !/(answered|status of) 40[04]/.test(fault));
      expect(faults).toEqual([]);
    });

    test('the pages that name people, workflows, keys and failures did show the text', () => {
      expect([...pagesWithNames].filter((page) => !shown.has(page))).toEqual([]);
    });

    test('a page that brings itself up to date neither runs the text nor requests what it names', async () => {
      expect(live.size).toBeGreaterThan(0);
      await Promise.all(
        [...live].map(async (address) => {
          const page = await window.context.newPage();
          const polled = () =>
            page.waitForResponse((response) => response.request().headers()['hx-request'] === 'true');
          await page.goto(new URL(address, service.broker.url).href);
          await polled();
          await settle(page);
          expect(await markupFaults({ ...window, page }), address).toEqual([]);
          await page.close();
        }),
      );
    });
  });

  async function inspect(window: ConsoleWindow, addresses: readonly string[], scheme: string): Promise<string[]> {
    const found: string[] = [];
    window.requested.length = 0;
    window.faults.length = 0;
    for (const address of addresses) {
      const page = await window.open(address);
      const note = (faults: readonly string[], width = 0) =>
        found.push(...faults.map((fault) => `${address} ${scheme} ${width || ''}: ${fault}`));
      note(await outlineFaults(window));
      for (const width of widths) {
        await page.setViewportSize({ width, height });
        await settle(page);
        note(await axeFaults(page), width);
        note(
          (await tooWide(page)).map((element) => `wider than the window: ${element}`),
          width,
        );
        if (pictures !== undefined) await picture(window, `${address}-${width}-${scheme}`);
      }
      note(window.faults.splice(0));
    }
    const host = new URL(service.broker.url).host;
    const elsewhere = window.requested.filter((url) => new URL(url).host !== host);
    return [...found, ...elsewhere.map((url) => `request to ${url}`)];
  }
});

/** Pages that repeat what their address says. */
const echoing: [path: string, names: string[]][] = [
  ['/console/connections', ['q', 'provider']],
  ['/console/connections', ['organization', 'status', 'flow', 'cursor']],
  ['/console/explain', ['name', 'subject', 'account_id', 'scopes', 'caller', 'min_ttl']],
  ['/console/explain', ['subject', 'account_id', 'scopes']],
  ['/console/grants', ['q', 'reason', 'provider', 'connection', 'cursor']],
  ['/console/audit', ['actor', 'connection', 'grant']],
  ['/console/audit', ['cursor', 'from']],
  ['/console/new-connection', ['provider', 'organization']],
  ['/console/sign-in', ['next', 'ended']],
  [`/console/${encodeURIComponent(hostileText)}`, []],
  [`/console/connections/${encodeURIComponent(hostileText)}`, []],
];

/** Pages on which a name, a description or a text of the provider stands. */
const pagesWithNames = [
  '/console/connections/{name}',
  '/console/connections/{name}/grants',
  '/console/connections/{name}/dependants',
  '/console/connections/{name}/settings',
  '/console/connections/{name}/edit',
  '/console/connections/{name}/why',
  '/console/grants',
  '/console/workflows',
  '/console/audit',
  '/console/api-keys',
  '/console/sessions',
];

async function markupFaults({ page, requested, faults }: ConsoleWindow): Promise<string[]> {
  const ran = await page.evaluate<boolean>('typeof marked !== "undefined"');
  const made = await page.locator(`[src="${markedPath}"], [hx-get="${markedPath}"], .marked`).count();
  return [
    ...(ran ? ['a text ran as a script'] : []),
    ...(made > 0 ? [`${made} elements were made of a text`] : []),
    ...requested.filter((url) => new URL(url).pathname === markedPath).map((url) => `request to ${url}`),
    ...faults.splice(0),
  ];
}

async function showsHostileText(page: Page): Promise<boolean> {
  const texts = await page.evaluate<string[]>(
    `[document.body.innerText, ...[...document.querySelectorAll('input, textarea')].map(({ value }) => value)]`,
  );
  return texts.some((text) => text.includes('onerror=marked=1'));
}

/** One main heading, headings without gaps, and a title of its own. */
async function outlineFaults({ page }: ConsoleWindow): Promise<string[]> {
  const levels = await page.evaluate<number[]>(
    `[...document.querySelectorAll('h1, h2, h3, h4')].filter((each) => each.closest('dialog') === null).map((each) => Number(each.tagName[1]))`,
  );
  const title = await page.title();
  const gaps = levels.some((level, at) => at > 0 && level > (levels[at - 1] ?? 0) + 1);
  return [
    ...(levels.filter((level) => level === 1).length === 1 && levels[0] === 1 ? [] : [`headings ${levels.join(' ')}`]),
    ...(gaps ? [`a gap in the headings ${levels.join(' ')}`] : []),
    ...(/^\S.* · token-broker$/.test(title) ? [] : [`title ${title}`]),
  ];
}

async function picture({ page }: ConsoleWindow, name: string): Promise<void> {
  mkdirSync(pictures ?? '', { recursive: true });
  const file = `${name.replace(/[^a-z0-9]+/gi, '-').replace(/^-console-?/, '')}.png`;
  await page.screenshot({ path: join(pictures ?? '', file), fullPage: true });
}
