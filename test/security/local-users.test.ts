import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { env, execPath, getuid } from 'node:process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { secureDataDirectory } from '../../src/embedded/private-directory.ts';
import { createTemporaryFolder } from '../support/processes/temporary-folder.ts';

let home: string;
let dataDir: string;
beforeEach(() => {
  home = createTemporaryFolder('token-broker-modes-');
  dataDir = join(home, 'parent', 'data');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const urlOf = (path: string) => JSON.stringify(pathToFileURL(resolve(path)).href);
const useEverything = `
  process.umask(0);
  const { layFoundation } = await import(${urlOf('src/app/foundation.ts')});
  const { createLog } = await import(${urlOf('src/app/log/log.ts')});
  const { claimInstances } = await import(${urlOf('src/embedded/instance.ts')});
  const { createSpool } = await import(${urlOf('src/embedded/spool.ts')});
  const { aSpoolEntry } = await import(${urlOf('test/support/builders/refreshed.ts')});
  const config = { databaseUrl: null, dataDir: process.argv[1], encryptionKeys: null, adminApiKey: null };
  await using stack = new AsyncDisposableStack();
  await layFoundation(config, createLog('warn'), stack);
  const [instance] = await claimInstances(config.dataDir);
  await createSpool(instance.directory, () => {}).put(aSpoolEntry());
  await createSpool(instance.directory + '/spool', () => {}).put(aSpoolEntry());`;

/** Starts and stops a process with umask 0 that creates every kind of file. Returns its log. */
async function run(): Promise<string> {
  return (await promisify(execFile)(execPath, ['--input-type=module', '-e', useEverything, dataDir])).stdout;
}

/** Lists all paths below a folder with permissions of the group or others. */
function exposedBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => !lstatSync(path).isSymbolicLink() && (lstatSync(path).mode & 0o077) !== 0);
}

const isRoot = getuid?.() === 0;
const directoryMode = isRoot ? 0o710 : 0o700;
const modeOf = (path: string) => lstatSync(path).mode & 0o777;

test('with umask 0, no other user can read or write anything in the data directory', async () => {
  expect(await run()).toBe('');
  expect(modeOf(dataDir)).toBe(directoryMode);
  expect(exposedBelow(dataDir)).toEqual([]);
  expect(modeOf(join(home, 'parent')) & 0o022).toBe(0);
  expect(readdirSync(dataDir)).toEqual(expect.arrayContaining(['admin-key', 'encryption-keys', 'postgres']));
}, 60_000);

test('a start tightens wider modes with one log line, and the next one changes nothing', async () => {
  await run();
  for (const name of [
    '.',
    'admin-key',
    'encryption-keys',
    'postgres-password',
    'postgres.log',
    'postgres',
    'instances',
  ])
    chmodSync(join(dataDir, name), 0o777);
  const lines = (await run()).trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'permissions in the data directory tightened' });
  expect(modeOf(dataDir)).toBe(directoryMode);
  expect(exposedBelow(dataDir)).toEqual([]);
  expect(await run()).toBe('');
}, 60_000);

/** Starts src/main.ts with umask 0 and returns when it has ended. SIGTERM ends a service that is ready. */
async function runMain(...args: string[]): Promise<number | null> {
  const child = spawn('sh', ['-c', 'umask 0; exec "$@"', 'sh', execPath, resolve('src/main.ts'), ...args], {
    env: { PATH: env.PATH, DATA_DIR: dataDir, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8').on('data', (lines: string) => lines.includes('"msg":"ready"') && child.kill());
  const [code] = await once(child, 'close');
  return code;
}

test.each([[['keys', 'init', '--dir', '']], [['migrate']], [['serve']]])(
  'the command %j with umask 0 leaves nothing open to other users, also in an open folder with open keys',
  async (command) => {
    const words = command.map((word) => (word === '' ? dataDir : word));
    expect(await runMain(...words)).toBe(0);
    expect(exposedBelow(dataDir)).toEqual([]);
    for (const name of ['.', 'admin-key', 'encryption-keys']) chmodSync(join(dataDir, name), 0o777);
    expect(await runMain(...words)).toBe(0);
    expect(modeOf(dataDir)).toBe(directoryMode);
    expect(exposedBelow(dataDir)).toEqual([]);
  },
  120_000,
);

test('files of other programs in the data directory keep their modes', () => {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, 'other'), '');
  chmodSync(join(dataDir, 'other'), 0o644);
  secureDataDirectory(dataDir);
  expect(modeOf(join(dataDir, 'other'))).toBe(0o644);
});

test('a folder with the sticky bit, such as the temporary folder of the system, is refused', () => {
  mkdirSync(dataDir, { recursive: true });
  chmodSync(dataDir, 0o1777);
  expect(() => secureDataDirectory(dataDir)).toThrow(/shared with other programs/);
  expect(modeOf(dataDir)).toBe(0o777);
});
