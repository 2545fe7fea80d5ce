import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Secret } from '../../domain/secret.ts';
import { beatFor, removeDeadClaim } from '../claim.ts';
import { heartbeatMs } from '../claim-holder.ts';
import { writeDurably } from '../durable-file.ts';
import { isAlive } from '../process-identity.ts';
import { locateBinaries } from './binaries.ts';
import { type Cluster, connectionString, initCluster, startCluster } from './cluster.ts';
import { linkCluster, placeCluster } from './cluster-location.ts';
import { findPostmaster, type Postmaster, stopPostmaster } from './postmaster.ts';
import { serverClaim } from './server-claim.ts';
import { hasSocket, prepareSocketDirectory, removeSocketDirectory } from './socket-directory.ts';
import { stopAtExit } from './stop-at-exit.ts';
import { canPassTo, databaseUser } from './system-user.ts';

export interface EmbeddedPostgres {
  /** Holds the password. Stays the same while this process lives. */
  connectionString: Secret;
  /** Pid of the running server. It changes when the server is restarted. */
  pid(): number;
  /** Stops the server and waits for its end. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  dataDir: string;
  log(level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>): void;
  /** Folder for files that the database's user cannot reach in place. Used only if root runs the broker. */
  shelter?: string;
  /** Server settings in addition to the defaults. */
  settings?: Record<string, string>;
}

const watchMs = 500;
/** The log of the server is truncated at a start beyond this size. */
const maxLogBytes = 10 * 1024 * 1024;

/**
 * Starts the database of a data directory, or adopts the server that a killed broker left running. Creates the cluster
 * on the first start. Restarts a server that ends, at the same address. Call it with the lock of the directory held.
 */
export async function createEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataDir, log, shelter = '/var/lib/token-broker', settings = {} } = options;
  const user = databaseUser(join(dataDir, 'postgres'));
  const directory = placeCluster(dataDir, user, shelter);
  const cluster = {
    directory,
    user,
    binaries: locateBinaries(user, shelter),
    logFile: join(dataDir, 'postgres.log'),
  };
  const password = loadOrCreatePassword(join(dataDir, 'postgres-password'), existsSync(directory));
  if (!existsSync(directory)) {
    log('info', 'creating embedded database', { directory });
    await initCluster(cluster, password);
  }
  linkCluster(dataDir, directory);
  checkUsable(cluster);
  trimLog(cluster.logFile);
  const socketDirectory = prepareSocketDirectory(cluster);
  const first =
    (await adopt(cluster, socketDirectory, options)) ?? (await startCluster(cluster, settings, { socketDirectory }));
  log('info', 'embedded database started', { pid: first.pid, socket_directory: socketDirectory });
  const watch = keepUp(cluster, first, options);
  return { connectionString: new Secret(connectionString({ socketDirectory }, password)), ...watch };
}

/**
 * Returns the running server once it is ready. Waits while it recovers or shuts down; returns undefined after its end.
 * Stops one with another address: an earlier version listened on a port.
 */
async function adopt(
  { directory }: Cluster,
  socketDirectory: string,
  { log }: EmbeddedPostgresOptions,
): Promise<Postmaster | undefined> {
  for (;;) {
    const found = findPostmaster(directory);
    if (found === undefined) return undefined;
    if (!found.ready) {
      await sleep(50);
    } else if (isAt(found, socketDirectory)) {
      log('warn', 'running embedded database adopted', { pid: found.pid });
      return found;
    } else {
      log('warn', 'running embedded database stopped: it listens elsewhere', { pid: found.pid });
      await stopPostmaster(found.pid);
    }
  }
}

function isAt({ address }: Postmaster, socketDirectory: string): boolean {
  return 'socketDirectory' in address && address.socketDirectory === socketDirectory && hasSocket(socketDirectory);
}

/** Polls the pid of the server: an adopted server is no child process, so no event reports its end. */
function keepUp(cluster: Cluster, first: Postmaster, { log, settings = {} }: EmbeddedPostgresOptions) {
  let current = first;
  let stopping = false;
  let restarting: Promise<void> = Promise.resolve();
  let isRestarting = false;
  const restart = async () => {
    log('error', 'embedded database ended unexpectedly', { pid: current.pid });
    try {
      const socketDirectory = prepareSocketDirectory(cluster);
      current = await startCluster(cluster, settings, { socketDirectory });
      log('info', 'embedded database restarted', { pid: current.pid });
    } catch (error) {
      // The timer below tries again.
      log('error', 'embedded database restart failed', { err: error });
    } finally {
      isRestarting = false;
    }
  };
  const timer = setInterval(() => {
    if (stopping || isRestarting || isAlive(current.pid)) return;
    isRestarting = true;
    restarting = restart();
  }, watchMs);
  timer.unref();
  // The server cannot beat, and an adopted one inherited its claim from another broker.
  const heartbeat = setInterval(() => beatFor(serverClaim(cluster.directory)), heartbeatMs);
  heartbeat.unref();
  // An adopted server is no child process.
  const exit = stopAtExit(() => findPostmaster(cluster.directory)?.pid, 'SIGINT');
  return {
    pid: () => current.pid,
    stop: async () => {
      stopping = true;
      clearInterval(timer);
      clearInterval(heartbeat);
      await restarting;
      const running = findPostmaster(cluster.directory);
      if (running !== undefined) await stopPostmaster(running.pid);
      await removeDeadClaim(serverClaim(cluster.directory));
      if ('socketDirectory' in first.address) removeSocketDirectory(cluster, first.address.socketDirectory);
      exit.forget();
    },
  };
}

function loadOrCreatePassword(file: string, isNeeded: boolean): string {
  if (!existsSync(file)) {
    if (isNeeded) throw new Error(`${file}, the embedded database's password, is missing. Restore it from a backup.`);
    writeDurably(file, `${randomBytes(24).toString('base64url')}\n`);
  }
  return readFileSync(file, 'utf8').trim();
}

function checkUsable({ directory, user, binaries }: Cluster): void {
  const owner = statSync(directory).uid;
  if (user === undefined && getuid !== undefined && getuid() !== owner) {
    throw new Error(
      `The embedded database in ${directory} belongs to another user (uid ${owner}). Start as that user, or as root.`,
    );
  }
  const made = readFileSync(join(directory, 'PG_VERSION'), 'utf8').trim();
  if (made !== binaries.major) {
    throw new Error(
      `The embedded database was made by PostgreSQL ${made}, and this version brings ${binaries.major}. Dump it with the earlier version and restore it into an empty DATA_DIR.`,
    );
  }
  if (!canPassTo(user, directory)) {
    throw new Error(
      `The user the embedded database runs as (uid ${user?.uid}) cannot pass to ${directory}. Let others pass through the folders above it (chmod o+x), or move DATA_DIR.`,
    );
  }
}

function trimLog(file: string): void {
  if (existsSync(file) && statSync(file).size > maxLogBytes) truncateSync(file);
}
