import { createHash, randomBytes } from 'node:crypto';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openService, type Service } from '../contract/service.ts';
import { describeWithChromium, findChromium, launchChromium } from '../support/browser/chromium.ts';
import { addConnection, startAuthorization, walkToCallback } from './connections.ts';

const found = await findChromium();

describeWithChromium('the page before the provider in a real browser without scripts', found, (executablePath) => {
  let world: Service;
  let browser: Browser;
  beforeAll(async () => {
    [world, browser] = await Promise.all([openService({ CONFIRM_PAGE: 'subject' }), launchChromium(executablePath)]);
  });
  afterAll(async () => {
    await browser?.close();
    await world?.close();
  });

  test('a person reads it, goes on by its button, signs in and is connected', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    const connection = await addConnection(world, { organization: 'acme' });
    const body = { subject: 'user-42', subject_label: 'Ada Lovelace' };
    const authorization = await startAuthorization(world, connection, body);
    await page.goto(authorization.link);
    const text = (await page.locator('main').textContent()) ?? '';
    for (const named of ['acme', 'Ada Lovelace', 'user-42', connection.name]) expect(text).toContain(named);
    await page.getByRole('button', { name: 'Go on to' }).dblclick();
    await page.getByLabel('Account').fill('ada');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('button[value="approve"]').click();
    await page.getByRole('heading', { name: 'Connected', exact: true }).waitFor();
    expect(errors.filter((message) => message.includes('Content Security Policy'))).toEqual([]);
    await context.close();
  });

  test('a form of another site that sends itself meets the page again', async () => {
    const context = await browser.newContext();
    const authorization = await startAuthorization(world, await addConnection(world), { subject: 'attacker' });
    await context.route('https://evil.test/**', (route) =>
      route.fulfill({
        contentType: 'text/html',
        body: `<form method="post" action="${authorization.link}"></form><script>document.forms[0].submit()</script>`,
      }),
    );
    const page = await context.newPage();
    await page.goto(authorization.link);
    await page.goto('https://evil.test/');
    await page.waitForURL(authorization.link);
    await page.getByRole('heading', { name: 'Did you start this?' }).waitFor();
    await context.close();
  });
});

describe('a process that is killed between exchange and confirmation', () => {
  let world: Service;
  beforeAll(async () => {
    world = await openService();
  });
  afterAll(() => world?.close());

  test('the tokens survive the restart, and are confirmed once', async () => {
    const verifier = randomBytes(32).toString('base64url');
    const connection = await addConnection(world);
    const authorization = await startAuthorization(world, connection, {
      subject: 'ann',
      return_url: 'https://app.example/done',
      binding_challenge: createHash('sha256').update(verifier).digest('base64url'),
    });
    const { browser, callback } = await walkToCallback(authorization);
    const { location } = await browser.send('GET', callback);
    const parameter = (name: string) => location?.searchParams.get(name) ?? '';
    expect(parameter('status')).toBe('confirmation_required');
    const { ended } = world.broker;
    world.broker.kill();
    await ended;
    await world.restart();
    const progress = await world.api.get(`/authorizations/${authorization.state}`);
    expect(progress.body.status).toBe('awaiting_confirmation');
    // The same callback in the same browser leads back with the same code.
    expect((await browser.send('GET', callback)).location?.href).toBe(location?.href);
    const body = { binding_verifier: verifier, confirmation_code: parameter('confirmation_code') };
    const path = `/authorizations/${parameter('authorization_id')}/confirm`;
    const [one, two] = await Promise.all([world.api.post(path, body), world.api.post(path, body)]);
    expect([one.status, two.status]).toEqual([200, 200]);
    const { grants } = (await world.api.get(`${connection.path}/grants`)).body as unknown as { grants: unknown[] };
    expect(grants).toHaveLength(1);
    expect((await world.api.get(`${connection.credential}?subject=ann`)).status).toBe(200);
  });
});
