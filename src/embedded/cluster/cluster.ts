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
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Claim } from '../claim.ts';
import { descriptorOf } from '../claim-socket.ts';
import type { Binaries } from './binaries.ts';
import { type Address, clearStalePostmaster, findPostmaster, type Postmaster } from './postmaster.ts';
import { claimServer } from './server-claim.ts';
import { clearStaleSocketLock, socketPort } from './socket-directory.ts';
import { stopAtExit } from './stop-at-exit.ts';
import type { SystemUser } from './system-user.ts';

/** One PostgreSQL cluster on disk, with the parts needed to run it. */
export interface Cluster {
  /** Absolute path that the user can reach. */
  directory: string;
  /** Undefined: the user of this process. */
  user: SystemUser | undefined;
  binaries: Binaries;
  /** Log of the server. */
  logFile: string;
}

export const superuser = 'broker';

const unfinishedSuffix = '.new-';
const pollMs = 20;
/** Covers recovery after a crash, which replays at most a few minutes of write-ahead log. */
const startLimitMs = 60_000;
/**
 * Log lines of failures that a retry solves: sessions of a killed server have not ended yet; another process holds the
 * port; a killed broker was just starting the server.
 */
const temporaryFailure = /pre-existing shared memory|Address already in use|postmaster\.pid" already exists/;
/** Environment of the server. Variables of this process may hold secrets or change the behaviour of the server. */
const environment = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' };

/**
 * Creates the cluster beside its final place and renames it when complete, so that a killed process leaves no partial
 * cluster. With `durable` false nothing is flushed to disk.
 */
export async function initCluster(cluster: Cluster, password: string, durable = true): Promise<void> {
  removeUnfinished(cluster.directory);
  // A unique name: initdb of a killed process may still run, and removes its own folder when it fails.
  const unfinished = mkdtempSync(`${cluster.directory}${unfinishedSuffix}`);
  const passwordFile = join(unfinished, 'password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  for (const path of [unfinished, passwordFile]) {
    if (cluster.user !== undefined) chownSync(path, cluster.user.uid, cluster.user.gid);
  }
  const data = join(unfinished, 'data');
  // The built-in locale gives the same order and case everywhere, whatever locales the system has.
  const running = promisify(execFile)(
    cluster.binaries.initdb,
    [
      ...['-D', data, '-U', superuser, `--pwfile=${passwordFile}`, '--auth=scram-sha-256', '--encoding=UTF8'],
      ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C', '--no-instructions'],
      ...(durable ? [] : ['--no-sync']),
    ],
    { ...cluster.user, cwd: unfinished, env: environment },
  );
  await running.finally(stopAtExit(() => running.child.pid, 'SIGTERM').forget);
  renameSync(data, cluster.directory);
  rmSync(unfinished, { recursive: true, force: true });
}

/** Removes folders of earlier attempts. Skips folders in use; a later start removes them. */
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

/** Starts the server. Resolves once it accepts connections. Returns the running server if there is one. */
export async function startCluster(
  cluster: Cluster,
  settings: Record<string, string>,
  address: Address,
): Promise<Postmaster> {
  const until = Date.now() + startLimitMs;
  for (;;) {
    const found = await claimServer(cluster.directory, until);
    if ('ready' in found) return found;
    clearStalePostmaster(cluster.directory);
    if ('socketDirectory' in address) clearStaleSocketLock(cluster.directory, address.socketDirectory);
    const logStart = readLog(cluster).length;
    const server = spawnServer(cluster, { ...settingsOf(address), ...settings }, found);
    const started = await waitUntilReady(cluster, server, until);
    if (started !== undefined) return started;
    const output = readLog(cluster).slice(logStart);
    if (!temporaryFailure.test(output) || Date.now() > until) {
      throw new Error(`The embedded database did not start. Its log, ${cluster.logFile}, says:\n${output.trim()}`);
    }
    await sleep(pollMs * 10);
  }
}

/** Settings of the one address the server listens on. Clients need the password on either kind. */
function settingsOf(address: Address): Record<string, string> {
  if ('port' in address) {
    return { listen_addresses: '127.0.0.1', port: String(address.port), unix_socket_directories: '' };
  }
  return {
    listen_addresses: '',
    port: String(socketPort),
    // The setting is a list. In quotes, a comma or a space belongs to the path.
    unix_socket_directories: `"${address.socketDirectory.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
  };
}

/** Starts the server as the holder of the claim: it inherits the listening socket, as do its own child processes. */
function spawnServer(cluster: Cluster, settings: Record<string, string>, claim: Claim): ChildProcess {
  const options = {
    logging_collector: 'off',
    log_checkpoints: 'off',
    // DETAIL lines of errors quote rows.
    log_error_verbosity: 'terse',
    ...settings,
  };
  const log = openSync(cluster.logFile, 'a', 0o600);
  const socket = claim.server === undefined ? undefined : descriptorOf(claim.server);
  try {
    const server = spawn(
      cluster.binaries.postgres,
      ['-D', cluster.directory, ...Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      {
        ...cluster.user,
        cwd: cluster.directory,
        env: environment,
        stdio: ['ignore', log, log, ...(socket === undefined ? [] : [socket])],
        // A session of its own: Ctrl-C in the terminal of the broker must not stop its database first.
        detached: true,
      },
    );
    server.once('exit', stopAtExit(() => server.pid, 'SIGINT').forget);
    server.unref();
    return server;
  } finally {
    closeSync(log);
    // Without a socket the claim would speak for this process, not for the server.
    if (socket === undefined) claim.release();
    else claim.handOver();
  }
}

/** Returns undefined if the server ended before it was ready. */
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

/** Returns a URL. That of a socket has its folder, percent-encoded, as the host. */
export function connectionString(address: Address, password: string, database = 'postgres'): string {
  const host =
    'port' in address
      ? `127.0.0.1:${address.port}`
      : `${encodeURIComponent(address.socketDirectory).replaceAll("'", '%27')}:${socketPort}`;
  return `postgres://${superuser}:${encodeURIComponent(password)}@${host}/${database}`;
}
