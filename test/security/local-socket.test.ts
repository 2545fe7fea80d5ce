import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { env, execPath, getuid, kill, platform, ppid } from 'node:process';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { locateBinaries } from '../../src/embedded/cluster/binaries.ts';
import { connectionString, startCluster } from '../../src/embedded/cluster/cluster.ts';
import { findPostmaster, stopPostmaster } from '../../src/embedded/cluster/postmaster.ts';
import { prepareSocketDirectory } from '../../src/embedded/cluster/socket-directory.ts';
import { databaseUser } from '../../src/embedded/cluster/system-user.ts';
import { isAlive } from '../../src/embedded/process-identity.ts';
import { type EmbeddedBroker, startEmbeddedBroker } from '../support/processes/embedded-broker.ts';
import { freePort } from '../support/processes/free-port.ts';
import { createTemporaryFolder } from '../support/processes/temporary-folder.ts';

let home: string;
let shelter: string;
let dataDir: string;
let temporary: string;
const running: EmbeddedBroker[] = [];

beforeEach(() => {
  home = createTemporaryFolder('tb-');
  shelter = join(home, 'shelter');
  dataDir = join(home, 'it, has "odd" names', 'data');
  temporary = join(home, 'tmp');
  mkdirSync(temporary);
  chmodSync(temporary, 0o1777);
});
afterEach(async () => {
  for (const broker of running.splice(0)) {
    await broker.kill('SIGKILL');
    if (isAlive(broker.databasePid)) await stopPostmaster(broker.databasePid);
  }
  rmSync(home, { recursive: true, force: true });
});

const isRoot = getuid?.() === 0;
const cluster = () => join(dataDir, 'postgres');
const longDataDir = () => join(home, 'a-long-name'.repeat(12), 'data');

async function start(): Promise<EmbeddedBroker> {
  const broker = await startEmbeddedBroker(dataDir, shelter, { env: { ...env, TMPDIR: temporary } });
  running.push(broker);
  return broker;
}

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

/** Inodes of the TCP sockets on which some process of this machine listens. */
function listeningInodes(): Set<string> {
  const rows = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(1));
  const fields = rows.map((row) => row.trim().split(/\s+/));
  return new Set(fields.filter((row) => row[3] === '0A').map((row) => row[9] ?? ''));
}

function listensOnTcp(pid: number): boolean {
  const listening = listeningInodes();
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
      return inode !== undefined && listening.has(inode);
    } catch {
      return false;
    }
  });
}

test.runIf(platform === 'linux')('the embedded database listens on a private socket and on no port', async () => {
  const broker = await start();
  expect(listensOnTcp(broker.databasePid)).toBe(false);
  expect(await query(broker.url, 'select inet_server_addr() as address')).toEqual([{ address: null }]);
  expect(statSync(cluster()).mode & 0o777).toBe(0o700);
  expect(lstatSync(join(cluster(), '.s.PGSQL.5432')).mode & 0o777).toBe(0o700);
  const wrong = new URL(broker.url);
  wrong.password = 'wrong';
  await expect(query(wrong.href, 'select 1')).rejects.toThrow(/password authentication failed/);
  for (const file of ['postgres-password', 'encryption-keys', 'admin-key', 'postgres.log']) {
    expect(statSync(join(dataDir, file)).mode & 0o777, file).toBe(0o600);
  }
});

test('a program that holds the port of PostgreSQL does not disturb the embedded database', async () => {
  const squatter = createServer((socket) => socket.destroy()).listen(5432, '127.0.0.1');
  // A server on this machine may hold the port already.
  await Promise.race([once(squatter, 'listening'), once(squatter, 'error')]);
  try {
    const broker = await start();
    expect(await query(broker.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  } finally {
    squatter.close();
  }
});

test('a socket whose lock names the pid of another program does not prevent a start', async () => {
  const first = await start();
  await first.kill('SIGKILL');
  kill(first.databasePid, 'SIGKILL');
  while (isAlive(first.databasePid)) await new Promise((resolve) => setTimeout(resolve, 10));
  const lock = join(cluster(), '.s.PGSQL.5432.lock');
  const own = readFileSync(lock, 'utf8');
  writeFileSync(lock, own.replace(/^\d+/, String(ppid)));
  expect(await query((await start()).url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('a running database of an earlier version, which listens on a port, is moved to the socket', async () => {
  const first = await start();
  await query(first.url, "create table kept as select 'value' as it");
  await first.kill('SIGTERM');
  const user = databaseUser(cluster());
  const earlier = await startCluster(
    { directory: cluster(), user, binaries: locateBinaries(user, shelter), logFile: join(dataDir, 'postgres.log') },
    {},
    { port: await freePort() },
  );
  if (platform === 'linux') expect(listensOnTcp(earlier.pid)).toBe(true);
  const password = readFileSync(join(dataDir, 'postgres-password'), 'utf8').trim();
  expect(await query(connectionString(earlier.address, password), 'select it from kept')).toEqual([{ it: 'value' }]);
  const next = await start();
  expect(isAlive(earlier.pid)).toBe(false);
  expect(findPostmaster(cluster())?.address).toEqual({ socketDirectory: cluster() });
  expect(await query(next.url, 'select it from kept')).toEqual([{ it: 'value' }]);
}, 60_000);

test('with a path too long for a socket, the socket is in a private folder below the temporary folder', async () => {
  dataDir = longDataDir();
  const killed = await start();
  const [name = ''] = readdirSync(temporary);
  const folder = join(temporary, name);
  expect(lstatSync(folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(folder)).toContain('.s.PGSQL.5432');
  await killed.kill('SIGKILL');
  const next = await start();
  expect(next.databasePid).toBe(killed.databasePid);
  expect(await query(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await next.kill('SIGTERM');
  expect(readdirSync(temporary)).toEqual([]);
});

test('a running database whose socket was removed is started again with one', async () => {
  dataDir = longDataDir();
  const killed = await start();
  await killed.kill('SIGKILL');
  for (const name of readdirSync(temporary)) rmSync(join(temporary, name), { recursive: true });
  const next = await start();
  expect(await query(next.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  await next.kill('SIGTERM');
}, 60_000);

test.each<[string, (path: string) => void, RegExp]>([
  [
    'a link',
    (path) => {
      mkdirSync(`${home}/elsewhere`, { mode: 0o700 });
      symlinkSync(`${home}/elsewhere`, path);
    },
    /is a link or a file\. Remove it/,
  ],
  [
    'a folder that others can enter',
    (path) => {
      mkdirSync(path);
      chmodSync(path, 0o777);
    },
    /is open to other users \(mode 777\)/,
  ],
  ...(isRoot
    ? [
        [
          'a folder of another user',
          (path: string) => {
            mkdirSync(path, { mode: 0o700 });
            chownSync(path, 54_321, 54_321);
          },
          /belongs to another user \(uid 54321\)/,
        ] as [string, (path: string) => void, RegExp],
      ]
    : []),
])('%s in place of the folder for the socket stops the start', async (_name, plant, message) => {
  dataDir = longDataDir();
  mkdirSync(dataDir, { recursive: true });
  const user = databaseUser(cluster());
  const path = prepareSocketDirectory({ directory: cluster(), user }, temporary);
  rmSync(path, { recursive: true });
  plant(path);
  await expect(start()).rejects.toThrow(message);
});

test('a temporary folder in which others can replace folders is refused', () => {
  dataDir = longDataDir();
  chmodSync(temporary, 0o777);
  const prepare = () => prepareSocketDirectory({ directory: cluster(), user: undefined }, temporary);
  expect(prepare).toThrow(/other users can replace folders in the temporary folder/);
});

const connect = `
  const socket = require('node:net').connect(process.argv[1]);
  socket.on('connect', () => { console.log('connected'); process.exit(); });
  socket.on('error', ({ code }) => { console.log(code); process.exit(); });`;

test.runIf(isRoot)('another user of the machine cannot connect', async () => {
  const program = join(home, 'node');
  cpSync(execPath, program);
  chmodSync(program, 0o755);
  for (const directory of [dataDir, longDataDir()]) {
    dataDir = directory;
    const broker = await start();
    const socket = join(decodeURIComponent(new URL(broker.url).hostname), '.s.PGSQL.5432');
    const tryAs = async (uid: number) => {
      const child = spawn(program, ['-e', connect, socket], { uid, gid: uid, cwd: '/', env: {} });
      return (await text(child.stdout)).trim();
    };
    expect(await tryAs(0)).toBe('connected');
    expect(await tryAs(54_321)).toBe('EACCES');
    await broker.kill('SIGTERM');
  }
});
