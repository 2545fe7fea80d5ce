import { env } from 'node:process';
import { chromium } from 'playwright-core';
import { describe, test } from 'vitest';
import { findProgram, installPackage } from './debian-programs.ts';

const programs = ['chromium', 'chromium-browser', 'google-chrome'];

type Found = { path: string; absence: null } | { path: null; absence: string };

/** Debian's browser, installed where it is missing and can be. Await it before the tests are declared. */
export async function findChromium(): Promise<Found> {
  const found = findProgram(programs);
  if (found !== undefined) return { path: found, absence: null };
  const refusal = await installPackage('chromium');
  const installed = findProgram(programs);
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
