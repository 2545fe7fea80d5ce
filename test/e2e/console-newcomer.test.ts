import { performance } from 'node:perf_hooks';
import process from 'node:process';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithChromium, findChromium, launchChromium } from '../support/browser/chromium.ts';
import { openConsoleWindow } from '../support/console/console-window.ts';
import { type ServedDemo, serveDemo } from '../support/console/demo-process.ts';
import { consentAs } from '../support/console/walk.ts';

const found = await findChromium();

describeWithChromium('a newcomer with the served demo', found, (executablePath) => {
  let demo: ServedDemo;
  let browser: Browser;

  beforeAll(async () => {
    [demo, browser] = await Promise.all([serveDemo(), launchChromium(executablePath)]);
  });
  afterAll(async () => {
    await browser?.close();
    await demo?.stop();
  });

  test('signs in, makes a connection, connects an account, and reads that it works', async () => {
    const startedAt = performance.now();
    const address = demo.printed('Address');
    const { page, faults } = await openConsoleWindow(browser, address, null);
    let steps = 0;
    const step = (action: Promise<unknown>) => {
      steps += 1;
      return action;
    };
    await step(page.goto(address));
    await step(page.getByLabel('API key').fill(demo.printed('API key')));
    await step(page.getByRole('button', { name: 'Sign in', exact: true }).click());
    await step(page.getByRole('link', { name: 'Connections', exact: true }).first().click());
    await step(page.getByRole('link', { name: 'New connection' }).click());
    await step(page.getByRole('link', { name: 'Use plain OAuth 2.0' }).click());
    const labels = ['Connection name', 'Authorization URL', 'Token URL', 'Client ID', 'Client secret', 'Scopes'];
    for (const label of labels) await step(page.getByLabel(label).first().fill(demo.printed(label)));
    await step(page.getByRole('button', { name: 'Create connection' }).click());
    await step(page.getByRole('button', { name: 'Connect', exact: true }).click());
    await consentAs(page, 'newcomer');
    steps += 3;
    await page.getByRole('heading', { name: demo.printed('Connection name') }).waitFor();
    await page.locator('.badge', { hasText: 'Works' }).first().waitFor();
    const seconds = (performance.now() - startedAt) / 1000;
    process.stdout.write(`a newcomer needs ${steps} steps, which a browser does in ${seconds.toFixed(1)} s\n`);
    expect(steps).toBeLessThanOrEqual(20);
    expect(faults).toEqual([]);
  });
});
