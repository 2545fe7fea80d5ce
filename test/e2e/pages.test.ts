import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { describeWithChromium, findChromium, launchChromium } from '../support/chromium.ts';
import { addConnection, startTrip, type Trip } from './connections.ts';
import { openEmbedded } from './stack.ts';
import { openWorld, type World } from './world.ts';

const found = await findChromium();

describeWithChromium('the pages in a real browser', found, (executablePath) => {
  let world: World;
  let browser: Browser;
  let page: Page;
  let requested: string[];
  let complaints: string[];

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
    complaints = [];
    page.on('request', (request) => requested.push(request.url()));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  afterEach(() => page.context().close());

  async function signIn(trip: Trip, login: string, decision: 'approve' | 'deny' = 'approve') {
    await page.goto(trip.link);
    await page.getByLabel('Account').fill(login);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator(`button[value="${decision}"]`).click();
  }

  const status = async (trip: Trip) => (await world.api.get(`/authorizations/${trip.state}`)).body.status;
  /** Chromium asks every origin for an icon by itself. */
  const hosts = () => new Set(requested.filter((url) => !url.endsWith('/favicon.ico')).map((url) => new URL(url).host));

  test('a person connects an account and reads what was connected to what', async () => {
    const connection = await addConnection(world);
    const trip = await startTrip(world, connection);
    await signIn(trip, 'ada');
    await page.getByRole('heading', { name: 'Connected', exact: true }).waitFor();
    expect(await page.getByText(connection.name, { exact: true }).count()).toBe(1);
    expect(await status(trip)).toBe('completed');
    // Nothing but the broker and the provider was asked for anything, and the page's own policy let all of it through.
    expect(hosts()).toEqual(new Set([new URL(world.broker.url).host, new URL(world.provider.issuer).host]));
    expect(complaints.filter((text) => text.includes('Content Security Policy'))).toEqual([]);
  });

  test('a person who refuses reads that nothing was connected', async () => {
    const trip = await startTrip(world, await addConnection(world));
    await signIn(trip, 'ada', 'deny');
    await page.getByRole('heading', { name: 'Not connected' }).waitFor();
    expect(await status(trip)).toBe('failed');
  });

  test('the outcome page has its style and no script', async () => {
    const trip = await startTrip(world, await addConnection(world));
    await signIn(trip, 'ada');
    const card = page.locator('main');
    await card.waitFor();
    expect(await page.locator('script').count()).toBe(0);
    // A policy that does not know the style's hash leaves the page bare, and its main part as wide as the window.
    const width = (await card.boundingBox())?.width ?? Number.POSITIVE_INFINITY;
    expect(width).toBeLessThan((page.viewportSize()?.width ?? 0) - 100);
  });

  test('going back to a callback that was used shows a refusal, and changes nothing', async () => {
    const trip = await startTrip(world, await addConnection(world));
    let callback = '';
    page.on('request', (request) => {
      if (new URL(request.url()).pathname.startsWith('/callback/')) callback = request.url();
    });
    await signIn(trip, 'ada');
    await page.getByRole('heading', { name: 'Connected', exact: true }).waitFor();
    const answer = await page.goto(callback);
    expect(answer?.status()).toBe(400);
    await page.getByRole('heading', { name: 'This link cannot be used' }).waitFor();
    expect(await status(trip)).toBe('completed');
  });

  test('the latest opener of a link is the one who may finish it', async () => {
    const trip = await startTrip(world, await addConnection(world));
    await page.goto(trip.link);
    const later = await (await browser.newContext()).newPage();
    try {
      await later.goto(trip.link);
      await page.getByLabel('Account').fill('eve');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('button', { name: 'Allow access' }).click();
      await page.getByRole('heading', { name: 'This link cannot be used' }).waitFor();
      expect(await status(trip)).toBe('pending');
    } finally {
      await later.context().close();
    }
  });

  test('an unknown link explains itself', async () => {
    const answer = await page.goto(`${world.broker.url}/authorize/${'x'.repeat(43)}`);
    expect(answer?.status()).toBe(400);
    expect(await page.getByRole('alert').textContent()).not.toBe('');
  });

  test('the documentation page needs nothing from other hosts', async () => {
    await page.goto(`${world.broker.url}/docs`);
    expect(await page.getByText('/credentials/{name}').count()).toBeGreaterThan(0);
    expect(hosts()).toEqual(new Set([new URL(world.broker.url).host]));
    expect(complaints.filter((text) => text.includes('Content Security Policy'))).toEqual([]);
  });
});
