import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPostmaster, stopPostmaster } from '../../src/embedded/postmaster.ts';
import { canPassTo, databaseUser } from '../../src/embedded/system-user.ts';

/** A data directory within reach of the account the embedded database runs as. */
export function createDataDir() {
  const user = databaseUser('');
  const path = mkdtempSync(join(canPassTo(user, tmpdir()) ? tmpdir() : '/tmp', 'token-broker-'));
  chmodSync(path, 0o755);
  return {
    path,
    adminKey: () => readFileSync(join(path, 'admin-key'), 'utf8').trim(),
    /** Ends a database that a killed broker left running, and deletes everything. */
    async remove(): Promise<void> {
      for (const cluster of clustersIn(path)) {
        const orphan = findPostmaster(cluster);
        if (orphan !== undefined) await stopPostmaster(orphan.pid);
      }
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

export type DataDir = ReturnType<typeof createDataDir>;

function clustersIn(path: string): string[] {
  const names = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const folders = names.map((entry) => join(path, entry.name));
  return [
    path,
    ...folders,
    ...folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name))),
  ].filter((folder) => existsSync(join(folder, 'postmaster.pid')));
}
