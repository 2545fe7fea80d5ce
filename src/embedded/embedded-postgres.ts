import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Secret } from '../domain/secret.ts';
import { locateBinaries } from './binaries.ts';
import { type Cluster, connectionString, initCluster, startCluster } from './cluster.ts';
import { writeDurably } from './durable-file.ts';
import { linkCluster, placeCluster } from './placement.ts';
import { findPostmaster, type Postmaster, stopPostmaster } from './postmaster.ts';
import { isAlive } from './process-identity.ts';
import { canPassTo, databaseUser } from './system-user.ts';

export interface EmbeddedPostgres {
  /** Holds the password. The same for as long as this process lives. */
  connectionString: Secret;
  /** Of the server that runs now; one that died is replaced. */
  pid(): number;
  /** Shuts the database down and waits until it is. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  dataDir: string;
  log(level: 'info' | 'warn' | 'error', message: string, facts?: Record<string, unknown>): void;
  /** Takes what the database's user cannot reach where it lies; used only when root runs the broker. */
  shelter?: string;
  /** Of the server, beyond the defaults. */
  settings?: Record<string, string>;
}

const watchMs = 500;
const longestLogBytes = 10 * 1024 * 1024;

/**
 * Starts the database of a data directory, which is made at first, or adopts the one that a killed broker left running.
 * Call with the lock of the directory held. A server that dies is started again on the same port.
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
    log('info', 'creating the embedded database', { directory });
    await initCluster(cluster, password);
  }
  linkCluster(dataDir, directory);
  checkUsable(cluster);
  trimLog(cluster.logFile);
  const first = (await adopt(cluster, options)) ?? (await startCluster(cluster, settings));
  log('info', 'the embedded database is up', { pid: first.pid, port: first.port });
  const watch = keepUp(cluster, first, options);
  return { connectionString: new Secret(connectionString(first.port, password)), ...watch };
}

/** A server that is still shutting down, or recovering, is waited for; one that ends meanwhile is not adopted. */
async function adopt(cluster: Cluster, { log }: EmbeddedPostgresOptions): Promise<Postmaster | undefined> {
  for (;;) {
    const found = findPostmaster(cluster.directory);
    if (found === undefined || found.ready) {
      if (found !== undefined)
        log('warn', 'adopted a database that an earlier broker left running', { pid: found.pid });
      return found;
    }
    await sleep(50);
  }
}

/** The server answers for nothing of its own death, least of all an adopted one, so its pid is looked at. */
function keepUp(cluster: Cluster, first: Postmaster, { log, settings = {} }: EmbeddedPostgresOptions) {
  let current = first;
  let stopping = false;
  let restarting: Promise<void> = Promise.resolve();
  let isRestarting = false;
  const restart = async () => {
    log('error', 'the embedded database died; starting it again', { pid: current.pid });
    try {
      current = await startCluster(cluster, settings, first.port);
      log('info', 'the embedded database is up again', { pid: current.pid, port: current.port });
    } catch (error) {
      // The next look tries again.
      log('error', 'the embedded database could not be started again', { error });
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
  return {
    pid: () => current.pid,
    stop: async () => {
      stopping = true;
      clearInterval(timer);
      await restarting;
      const running = findPostmaster(cluster.directory);
      if (running !== undefined) await stopPostmaster(running.pid);
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
  if (existsSync(file) && statSync(file).size > longestLogBytes) truncateSync(file);
}
