import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, kill } from 'node:process';
import { locateBinaries } from '../../src/embedded/binaries.ts';
import { connectionString, initCluster, startCluster } from '../../src/embedded/cluster.ts';
import { stopPostmaster } from '../../src/embedded/postmaster.ts';
import { isAlive } from '../../src/embedded/process-identity.ts';
import { canPassTo, databaseUser } from '../../src/embedded/system-user.ts';

export interface TestPostgresServer {
  url: string;
  stop(): Promise<void>;
  /** For the last moment of a process, when nothing asynchronous runs any more. */
  kill(): void;
}

/** The server the whole run shares: TEST_DATABASE_URL, else one of our own in a temporary directory. */
export async function startTestPostgres(): Promise<TestPostgresServer> {
  if (env.TEST_DATABASE_URL) return { url: env.TEST_DATABASE_URL, stop: async () => {}, kill: () => {} };
  const user = databaseUser('');
  const home = mkdtempSync(join(canPassTo(user, tmpdir()) ? tmpdir() : '/tmp', 'token-broker-test-postgres-'));
  chmodSync(home, 0o755);
  const cluster = {
    directory: join(home, 'data'),
    user,
    binaries: locateBinaries(user, home),
    logFile: join(home, 'postgres.log'),
  };
  const password = randomBytes(16).toString('base64url');
  await initCluster(cluster, password, false);
  const server = await startCluster(cluster, {
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    max_connections: '400',
    shared_buffers: '64MB',
  });
  return {
    url: connectionString(server.port, password),
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
