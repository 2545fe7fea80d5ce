import { type ChildProcess, execFile, spawn } from 'node:child_process';
import {
  chownSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';
import { clearStalePostmaster, findPostmaster, type Postmaster } from './postmaster.ts';
import type { SystemUser } from './system-user.ts';

/** One PostgreSQL cluster on disk, and what it takes to run it. */
export interface Cluster {
  /** Absolute, and within reach of the user. */
  directory: string;
  /** Undefined: as whoever runs this process. */
  user: SystemUser | undefined;
  binaries: Binaries;
  /** Takes the server's own log. */
  logFile: string;
}

export const superuser = 'broker';

const unfinishedSuffix = '.new-';
const pollMs = 20;
/** Recovery after a crash replays at most a few minutes of write-ahead log; a second start waits for no more than this. */
const startLimitMs = 60_000;
/**
 * The last sessions of a server that was killed; a port lost to another process since it was found free; a server that a
 * killed broker was just starting.
 */
const passingTrouble = /pre-existing shared memory|Address already in use|postmaster\.pid" already exists/;
/** The server gets an environment of its own: variables of this process may hold secrets, and change its behaviour. */
const environment = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' };

/**
 * Makes the cluster beside its final place and moves it there when it is complete: a process killed half-way leaves
 * nothing that could be taken for a cluster. `durable` false leaves out flushing to disk.
 */
export async function initCluster(cluster: Cluster, password: string, durable = true): Promise<void> {
  removeUnfinished(cluster.directory);
  // Under a name of its own: what a killed process left at work may still run, and clears up after itself when it fails.
  const unfinished = mkdtempSync(`${cluster.directory}${unfinishedSuffix}`);
  const passwordFile = join(unfinished, 'password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  for (const path of [unfinished, passwordFile]) {
    if (cluster.user !== undefined) chownSync(path, cluster.user.uid, cluster.user.gid);
  }
  const data = join(unfinished, 'data');
  // The built-in locale gives the same order and case everywhere, whatever locales the system has.
  await promisify(execFile)(
    cluster.binaries.initdb,
    [
      ...['-D', data, '-U', superuser, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'],
      ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--no-instructions'],
      ...(durable ? [] : ['--no-sync']),
    ],
    { ...cluster.user, cwd: unfinished, env: environment },
  );
  renameSync(data, cluster.directory);
  rmSync(unfinished, { recursive: true, force: true });
}

/** As far as it goes: what is still at work in one of them is removed by a later start. */
function removeUnfinished(directory: string): void {
  const parent = dirname(directory);
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(`${basename(directory)}${unfinishedSuffix}`)) continue;
    try {
      rmSync(join(parent, name), { recursive: true, force: true });
    } catch {
      // In use.
    }
  }
}

/**
 * Starts the server on 127.0.0.1, on `port` or a free one. Resolves once it accepts connections;
 * with the server that runs already, where one does.
 */
export async function startCluster(
  cluster: Cluster,
  settings: Record<string, string>,
  port?: number,
): Promise<Postmaster> {
  const until = Date.now() + startLimitMs;
  for (;;) {
    const running = findPostmaster(cluster.directory);
    if (running?.ready) return running;
    if (running === undefined) clearStalePostmaster(cluster.directory);
    const logStart = readLog(cluster).length;
    const server = spawnServer(cluster, settings, port ?? (await freePort()));
    const started = await waitUntilReady(cluster, server, until);
    if (started !== undefined) return started;
    const said = readLog(cluster).slice(logStart);
    if (!passingTrouble.test(said) || Date.now() > until) {
      throw new Error(`The embedded database did not start. Its log, ${cluster.logFile}, says:\n${said.trim()}`);
    }
    await sleep(pollMs * 10);
  }
}

function spawnServer(cluster: Cluster, settings: Record<string, string>, port: number): ChildProcess {
  const options = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    // Only the loopback address and its password let anyone in.
    unix_socket_directories: '',
    logging_collector: 'off',
    log_checkpoints: 'off',
    // Details of an error quote rows.
    log_error_verbosity: 'terse',
    ...settings,
  };
  const log = openSync(cluster.logFile, 'a', 0o600);
  try {
    const server = spawn(
      cluster.binaries.postgres,
      ['-D', cluster.directory, ...Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        ...cluster.user,
        cwd: cluster.directory,
        env: environment,
        stdio: ['ignore', log, log],
        // In a session of its own: a Ctrl-C meant for this process must not stop the database under it.
        detached: true,
      },
    );
    server.unref();
    return server;
  } finally {
    closeSync(log);
  }
}

/** Undefined where the server ended instead. */
async function waitUntilReady(cluster: Cluster, server: ChildProcess, until: number): Promise<Postmaster | undefined> {
  let failure: Error | undefined;
  server.once('error', (error) => {
    failure = error;
  });
  while (failure === undefined && server.exitCode === null && server.signalCode === null) {
    const found = findPostmaster(cluster.directory);
    if (found?.ready && found.pid === server.pid) return found;
    if (Date.now() > until) {
      server.kill('SIGQUIT');
      throw new Error(`The embedded database was not ready after ${startLimitMs / 1000} s; see ${cluster.logFile}.`);
    }
    await sleep(pollMs);
  }
  if (failure !== undefined) throw new Error('The embedded database could not be run.', { cause: failure });
  return undefined;
}

function readLog(cluster: Cluster): string {
  try {
    return readFileSync(cluster.logFile, 'utf8');
  } catch {
    return '';
  }
}

async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
  });
  return promise;
}

export function connectionString(port: number, password: string, database = 'postgres'): string {
  return `postgres://${superuser}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
}
