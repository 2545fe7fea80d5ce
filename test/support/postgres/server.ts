import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { env, kill } from 'node:process';
import { locateBinaries } from '../../../src/embedded/cluster/binaries.ts';
import { connectionString, initCluster, startCluster } from '../../../src/embedded/cluster/cluster.ts';
import { stopPostmaster } from '../../../src/embedded/cluster/postmaster.ts';
import { databaseUser } from '../../../src/embedded/cluster/system-user.ts';
import { isAlive } from '../../../src/embedded/process-identity.ts';
import { freePort } from '../processes/free-port.ts';
import { createTemporaryFolder } from '../processes/temporary-folder.ts';

export interface TestPostgresServer {
  url: string;
  stop(): Promise<void>;
  /** Ends the server synchronously, for the exit of a process. */
  kill(): void;
}

/** Uses the server of TEST_DATABASE_URL, otherwise starts one in a temporary folder for the whole run. */
export async function startTestPostgres(): Promise<TestPostgresServer> {
  if (env.TEST_DATABASE_URL) return { url: env.TEST_DATABASE_URL, stop: async () => {}, kill: () => {} };
  const user = databaseUser('');
  const home = createTemporaryFolder('token-broker-test-postgres-');
  const cluster = {
    directory: join(home, 'data'),
    user,
    binaries: locateBinaries(user, home),
    logFile: join(home, 'postgres.log'),
  };
  const password = randomBytes(16).toString('base64url');
  await initCluster(cluster, password, false);
  const settings = {
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    max_connections: '400',
    shared_buffers: '64MB',
  };
  // On a port: tests put a proxy between the service and its database.
  const server = await startCluster(cluster, settings, { port: await freePort() });
  return {
    url: connectionString(server.address, password),
    stop: async () => {
      await stopPostmaster(server.pid);
      rmSync(home, { recursive: true, force: true });
    },
    kill: () => {
      kill(server.pid, 'SIGQUIT');
      for (let waits = 0; waits < 100 && isAlive(server.pid); waits++) pauseThread();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function pauseThread(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
}
