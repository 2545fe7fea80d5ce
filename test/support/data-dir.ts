import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectionString } from '../../src/embedded/cluster.ts';
import { findPostmaster, stopPostmaster } from '../../src/embedded/postmaster.ts';
import { canPassTo, databaseUser } from '../../src/embedded/system-user.ts';

export type DataDir = ReturnType<typeof createDataDir>;

/** A data directory within reach of the account the embedded database runs as. */
export function createDataDir() {
  const parent = canPassTo(databaseUser(''), tmpdir()) ? tmpdir() : '/tmp';
  const path = mkdtempSync(join(parent, 'token-broker-'));
  chmodSync(path, 0o755);
  const read = (name: string) => readFileSync(join(path, name), 'utf8').trim();

  function findDatabase() {
    const cluster = join(path, 'postgres');
    return existsSync(cluster) ? findPostmaster(realpathSync(cluster)) : undefined;
  }

  return {
    path,
    /** Written by the first start on the embedded default. */
    adminKey: () => read('admin-key'),
    /** Of the embedded database; throws while it does not run. */
    databaseUrl(): string {
      const database = findDatabase();
      if (database === undefined) throw new Error('the embedded database does not run');
      return connectionString(database.port, read('postgres-password'));
    },
    /** Ends a database that a killed broker left running, and deletes everything. */
    async remove(): Promise<void> {
      const orphan = findDatabase();
      if (orphan !== undefined) await stopPostmaster(orphan.pid);
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
