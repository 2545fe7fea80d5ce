import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connectionString } from '../../../src/embedded/cluster/cluster.ts';
import { findPostmaster, stopPostmaster } from '../../../src/embedded/cluster/postmaster.ts';
import { createTemporaryFolder } from './temporary-folder.ts';

export type DataDir = ReturnType<typeof createDataDir>;

/** Makes a data directory that the user who runs the embedded database can traverse. */
export function createDataDir() {
  const path = createTemporaryFolder('token-broker-');
  const read = (name: string) => readFileSync(join(path, name), 'utf8').trim();

  function findDatabase() {
    const cluster = join(path, 'postgres');
    return existsSync(cluster) ? findPostmaster(realpathSync(cluster)) : undefined;
  }

  return {
    path,
    /** The admin key that the first start of the embedded default writes. */
    adminKey: () => read('admin-key'),
    /** URL of the embedded database. Throws while it does not run. */
    databaseUrl(): string {
      const database = findDatabase();
      if (database === undefined) throw new Error('the embedded database does not run');
      return connectionString(database.address, read('postgres-password'));
    },
    /** Stops a database that a killed broker left running, and deletes the directory. */
    async remove(): Promise<void> {
      const orphan = findDatabase();
      if (orphan !== undefined) await stopPostmaster(orphan.pid);
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
