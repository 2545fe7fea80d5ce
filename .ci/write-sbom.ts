import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

// Prints the bill of materials (CycloneDX) of the packages that run in production. `npm sbom --omit=dev` leaves out each
// package that production shares with a package of development, so development is removed before npm reads the lockfile.

interface Manifest {
  name?: string;
  devDependencies?: unknown;
}

interface Lockfile {
  packages: Record<string, Manifest & { dev?: boolean }>;
}

const root = join(import.meta.dirname, '..');
const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), 'utf8'));

const { devDependencies: _, ...manifest } = read('package.json') as Manifest;
const lockfile = read('package-lock.json') as Lockfile;
const production = Object.entries(lockfile.packages)
  .filter(([, { dev }]) => dev !== true)
  .map(([place, locked]) => [place, place === '' ? { ...locked, devDependencies: undefined } : locked]);

const parent = mkdtempSync(join(tmpdir(), 'sbom-'));
// npm names the bill after the folder.
const folder = join(parent, manifest.name ?? '');
try {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  const packages = Object.fromEntries(production);
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ ...lockfile, packages }));
  const options = ['--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only'];
  process.stdout.write(execFileSync('npm', ['sbom', ...options], { cwd: folder, maxBuffer: 32 * 1024 * 1024 }));
} finally {
  rmSync(parent, { recursive: true });
}
