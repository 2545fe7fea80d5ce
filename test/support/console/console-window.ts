import { readFileSync } from 'node:fs';
import type { AxeResults, RunOptions } from 'axe-core';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';

/** A window of the console in a real browser, with a record of what its pages do. */
export interface ConsoleWindow {
  context: BrowserContext;
  page: Page;
  /** Addresses of all requests of the window. */
  requested: string[];
  /** Errors and violations of the page's policies, as the browser reports them. */
  faults: string[];
  /** Opens a page of the console, and waits until its style and its scripts have run. */
  open(path: string): Promise<Page>;
  close(): Promise<void>;
}

/** Opens a window that is signed in with the key, unless the key is null. */
export async function openConsoleWindow(
  browser: Browser,
  base: string,
  key: string | null,
  options: BrowserContextOptions = {},
): Promise<ConsoleWindow> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const requested: string[] = [];
  const faults: string[] = [];
  context.on('request', (request) => requested.push(request.url()));
  context.on('weberror', (error) => faults.push(`error: ${error.error().message}`));
  page.on('console', (message) => {
    const text = message.text();
    // Pages of a provider, which has no icon, are opened too.
    const isElsewhere = text.startsWith('Failed to load') && !message.location().url.startsWith(new URL(base).origin);
    if (!isElsewhere && ['error', 'warning'].includes(message.type())) faults.push(`console: ${text}`);
  });
  const open = async (path: string) => {
    const response = await page.goto(new URL(path, base).href);
    if (response !== null && response.status() >= 400) faults.push(`${path} answered ${response.status()}`);
    if (options.javaScriptEnabled !== false) await settle(page);
    return page;
  };
  if (key !== null) {
    await open('/console/sign-in');
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
  }
  return { context, page, requested, faults, open, close: () => context.close() };
}

/** Waits for fonts and two frames: the layout is then that of the present window. */
export async function settle(page: Page): Promise<void> {
  await page.evaluate(
    `document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))`,
  );
}

const axe = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

/** Rules of axe that are off by default and hold for the console. */
const ruleOptions: RunOptions = {
  resultTypes: ['violations'],
  rules: { 'target-size': { enabled: true } },
};

/** Runs all rules of axe-core on the page. The debugger of the browser injects it, so that the page's policy stays on. */
export async function axeFaults(page: Page): Promise<string[]> {
  if (!(await page.evaluate('typeof axe === "object"'))) await page.evaluate(axe);
  const { violations } = await page.evaluate<AxeResults>(`axe.run(${JSON.stringify(ruleOptions)})`);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary = '' }) => `${id}: ${html.slice(0, 200)} ${failureSummary.replace(/\s+/g, ' ')}`),
  );
}

/** Elements that reach beyond the window, after the width that a person on a phone would have to scroll. Empty if none does. */
export async function tooWide(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const scrolls = (each) => each !== null && (getComputedStyle(each).overflowX === 'auto' || scrolls(each.parentElement));
    const beyond = [...document.querySelectorAll('body *')]
      .filter((each) => each.getBoundingClientRect().right > clientWidth + 0.5 && !scrolls(each));
    return ['the page is ' + scrollWidth + ' wide', ...beyond.map((each) => each.outerHTML.slice(0, 150))];
  })()`);
}
