import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { execPath } from 'node:process';
import { createInterface } from 'node:readline';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openService, type Service } from '../contract/service.ts';
import { describeWithChromium, findChromium, launchChromium } from '../support/browser/chromium.ts';
import { type Cli, cliScript, createCli } from '../support/cli/cli-process.ts';
import { addConnection } from './connections.ts';

vi.setConfig({ testTimeout: 240_000 });

const found = await findChromium();

describeWithChromium('a person at a real browser', found, (executablePath) => {
  let service: Service;
  let browser: Browser;
  let cli: Cli;

  beforeAll(async () => {
    [service, browser] = await Promise.all([openService(), launchChromium(executablePath)]);
    cli = createCli({ TOKEN_BROKER_URL: service.broker.url, TOKEN_BROKER_KEY: service.stack.adminKey() });
  });
  afterAll(async () => {
    cli?.remove();
    await browser?.close();
    await service?.close();
  });

  test('finishes what `authorize --wait` waits for, and the token is served', async () => {
    const { name } = await addConnection(service);
    const words = [cliScript, 'authorize', name, '--wait', '--no-open'];
    const waiting = spawn(execPath, words, { env: cli.env, cwd: cli.home, stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = once(waiting, 'close');
    const [link] = await once(createInterface(waiting.stdout), 'line');
    const tab = await browser.newPage();
    await tab.goto(link);
    await tab.getByLabel('Account').fill('ada');
    await tab.getByRole('button', { name: 'Sign in' }).click();
    await tab.getByRole('button', { name: 'Allow access' }).click();
    await tab.getByRole('heading', { name: 'Connected', exact: true }).waitFor();
    expect(await ended).toEqual([0, null]);
    const { code, stdout } = await cli.run(['credential', name, '--reveal']);
    expect(code).toBe(0);
    expect(await service.provider.accepts(stdout.trim())).toBe(true);
  });
});
