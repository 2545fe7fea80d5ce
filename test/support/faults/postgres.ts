import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { locateBinaries } from '../../../src/embedded/cluster/binaries.ts';
import { connectionString, initCluster, startCluster } from '../../../src/embedded/cluster/cluster.ts';
import { stopPostmaster } from '../../../src/embedded/cluster/postmaster.ts';
import { databaseUser } from '../../../src/embedded/cluster/system-user.ts';
import { isAlive } from '../../../src/embedded/process-identity.ts';
import { createTemporaryFolder } from '../processes/temporary-folder.ts';
import { stablePort } from './port.ts';

export interface FaultPostgres {
  /** The same after every start. */
  url: string;
  /** Resolves when the server accepts connections. */
  start(): Promise<void>;
  /** Stops as an operator does: sessions are cut off, and committed data is on disk. */
  stop(): Promise<void>;
  /** Crashes: nothing more is written, and the next start recovers from the log. */
  crash(): Promise<void>;
  remove(): Promise<void>;
}

/** Starts a PostgreSQL server for one test, which may stop it at any moment. Commits are durable, as in production. */
export async function startFaultPostgres(): Promise<FaultPostgres> {
  const user = databaseUser('');
  const home = createTemporaryFolder('token-broker-fault-postgres-');
  const cluster = {
    directory: join(home, 'data'),
    user,
    binaries: locateBinaries(user, home),
    logFile: join(home, 'postgres.log'),
  };
  const password = randomBytes(16).toString('base64url');
  await initCluster(cluster, password, false);
  const settings = { max_connections: '200', shared_buffers: '64MB' };
  const address = { port: await stablePort() };
  let server = await startCluster(cluster, settings, address);
  const abandon = () => signal(server.pid, 'SIGQUIT');
  process.once('exit', abandon);

  return {
    url: connectionString(address, password),
    start: async () => {
      server = await startCluster(cluster, settings, address);
    },
    stop: () => stopPostmaster(server.pid),
    crash: async () => {
      // SIGQUIT is the immediate shutdown: children quit at once, and no checkpoint is written.
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
    // The process has ended already.
  }
}
