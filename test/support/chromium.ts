import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { env, getuid } from 'node:process';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { describe, test } from 'vitest';

const run = promisify(execFile);

type Found = { path: string; absence: null } | { path: null; absence: string };

/** Debian's browser, installed where it is missing and can be. Await it before the tests are declared. */
export async function findChromium(): Promise<Found> {
  const found = findOnPath();
  if (found !== undefined) return { path: found, absence: null };
  const refusal = await install();
  const installed = findOnPath();
  return installed === undefined
    ? { path: null, absence: `no chromium on the PATH, ${refusal}` }
    : { path: installed, absence: null };
}

/** As `describe`; without a browser it is skipped under a name that says so, and with CI=true it fails. */
export function describeWithChromium(name: string, found: Found, suite: (executablePath: string) => void): void {
  const { path, absence } = found;
  if (path !== null) {
    describe(name, () => suite(path));
  } else if (env.CI === 'true') {
    test(`${name}: Chromium is there to run`, () => {
      throw new Error(`Chromium is missing: ${absence}.`);
    });
  } else {
    describe.skip(`${name} [skipped, Chromium is missing: ${absence}]`, () => suite(''));
  }
}

/** Speaks to nobody but the page's own servers. */
export function launchChromium(executablePath: string) {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

function findOnPath(): string | undefined {
  const folders = [...(env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  return ['chromium', 'chromium-browser', 'google-chrome']
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Why it could not be installed, or that it was not found where it was. */
async function install(): Promise<string> {
  if (getuid?.() !== 0 || !isExecutable('/usr/bin/apt-get')) return 'and it can be installed only by root on Debian';
  try {
    const options = { env: { ...env, DEBIAN_FRONTEND: 'noninteractive' }, maxBuffer: 64 * 1024 * 1024 };
    await run('apt-get', ['update', '-qq'], options);
    const quiet = ['-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120'];
    await run('apt-get', ['install', ...quiet, 'chromium'], options);
    return 'and the installed one was not found';
  } catch (error) {
    return `and installing it failed: ${error instanceof Error ? error.message.split('\n')[0] : 'unknown error'}`;
  }
}
