import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { locateBinaries } from '../../src/embedded/binaries.ts';
import { connectionString, initCluster, startCluster } from '../../src/embedded/cluster.ts';
import { stopPostmaster } from '../../src/embedded/postmaster.ts';
import { isAlive } from '../../src/embedded/process-identity.ts';
import { canPassTo, databaseUser } from '../../src/embedded/system-user.ts';
import { stablePort } from './fault-port.ts';

export interface FaultPostgres {
  /** The same whenever it runs. */
  url: string;
  /** Resolves once it accepts connections. */
  start(): Promise<void>;
  /** As an operator would: sessions are cut off, and what was committed is on the disk. */
  stop(): Promise<void>;
  /** As a crash: nothing is written any more, and the next start recovers from the log. */
  crash(): Promise<void>;
  remove(): Promise<void>;
}

/** A PostgreSQL server of one test's own, to be ended at any moment. Commits are durable, as in production. */
export async function startFaultPostgres(): Promise<FaultPostgres> {
  const user = databaseUser('');
  const home = mkdtempSync(join(canPassTo(user, tmpdir()) ? tmpdir() : '/tmp', 'token-broker-fault-postgres-'));
  chmodSync(home, 0o755);
  const cluster = {
    directory: join(home, 'data'),
    user,
    binaries: locateBinaries(user, home),
    logFile: join(home, 'postgres.log'),
  };
  const password = randomBytes(16).toString('base64url');
  await initCluster(cluster, password, false);
  const settings = { max_connections: '200', shared_buffers: '64MB' };
  const port = await stablePort();
  let server = await startCluster(cluster, settings, port);
  const abandon = () => signal(server.pid, 'SIGQUIT');
  process.once('exit', abandon);

  return {
    url: connectionString(port, password),
    start: async () => {
      server = await startCluster(cluster, settings, port);
    },
    stop: () => stopPostmaster(server.pid),
    crash: async () => {
      // Its immediate shutdown: children are told to quit at once, and no checkpoint is written.
      signal(server.pid, 'SIGQUIT');
      while (isAlive(server.pid)) await new Promise((resolve) => setTimeout(resolve, 10));
    },
    remove: async () => {
      process.off('exit', abandon);
      if (isAlive(server.pid)) await stopPostmaster(server.pid);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already.
  }
}
