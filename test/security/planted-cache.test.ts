import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { execPath, getuid } from 'node:process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTemporaryFolder } from '../support/processes/temporary-folder.ts';

let home: string;
let cache: string;
beforeEach(() => {
  home = createTemporaryFolder('token-broker-cache-');
  cache = join(home, 'data', 'compile-cache');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const source = JSON.stringify(pathToFileURL(resolve('src/app/compile-cache.ts')).href);
const script = `
  const { getCompileCacheDir } = await import('node:module');
  const { useCompileCache } = await import(${source});
  console.log(JSON.stringify([useCompileCache(process.argv[1]), getCompileCacheDir() ?? null]));`;

/** Returns the folder that a process with this data directory caches in; null without a cache. */
async function cacheUsed(): Promise<string | null> {
  const env = { ...process.env, NODE_COMPILE_CACHE: '', TMPDIR: home };
  const args = ['--input-type=module', '-e', script, join(home, 'data')];
  const { stdout } = await promisify(execFile)(execPath, args, { env });
  const [isUsed, directory] = JSON.parse(stdout) as [boolean, string | null];
  expect(isUsed).toBe(directory !== null);
  return directory;
}

test('the compile cache is a private folder of the data directory, and none below the temporary folder', async () => {
  expect(await cacheUsed()).toContain(cache);
  expect(readdirSync(home)).toEqual(['data']);
  expect(existsSync(cache)).toBe(true);
});

test('a planted cache folder that others can write to is replaced', async () => {
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, 'planted'), '');
  chmodSync(cache, 0o777);
  expect(await cacheUsed()).toContain(cache);
  expect(existsSync(join(cache, 'planted'))).toBe(false);
});

test('a link in place of the cache folder is not followed', async () => {
  mkdirSync(join(home, 'data'));
  mkdirSync(join(home, 'planted'), { mode: 0o700 });
  symlinkSync(join(home, 'planted'), cache);
  await cacheUsed();
  expect(lstatSync(cache).isSymbolicLink()).toBe(false);
  expect(readdirSync(join(home, 'planted'))).toEqual([]);
});

test.runIf(getuid?.() === 0)('a planted cache folder of another user is not used', async () => {
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  writeFileSync(join(cache, 'planted'), '');
  chownSync(cache, 65_534, 65_534);
  await cacheUsed();
  expect(existsSync(join(cache, 'planted'))).toBe(false);
  expect(lstatSync(cache).uid).toBe(0);
});
