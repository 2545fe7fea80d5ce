import { chromium } from 'playwright-core';
import { findProgram, installPackage } from '../processes/debian-programs.ts';
import { describeWithProgram } from '../processes/describe-with-program.ts';

const programs = ['chromium', 'chromium-browser', 'google-chrome'];

type Found = { path: string; absence: null } | { path: null; absence: string };

/** Finds Chromium, or installs it on Debian. Await the result before tests are declared. */
export async function findChromium(): Promise<Found> {
  const found = findProgram(programs);
  if (found !== undefined) return { path: found, absence: null };
  const reason = await installPackage('chromium');
  const installed = findProgram(programs);
  return installed === undefined
    ? { path: null, absence: `no chromium on the PATH, ${reason}` }
    : { path: installed, absence: null };
}

/** Declares a suite. Without a browser it is skipped under a name that says so; with CI=true it fails. */
export function describeWithChromium(name: string, found: Found, suite: (executablePath: string) => void): void {
  const { path, absence } = found;
  describeWithProgram({ title: 'Chromium', absence }, name, () => suite(path ?? ''));
}

/** Starts Chromium with its background traffic off: it connects to the servers of the page only. */
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
