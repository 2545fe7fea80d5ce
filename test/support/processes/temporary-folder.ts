import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canPassTo, databaseUser } from '../../../src/embedded/cluster/system-user.ts';

/** Makes an empty folder that the user who runs the embedded database can traverse. */
export function createTemporaryFolder(prefix: string): string {
  const parent = canPassTo(databaseUser(''), tmpdir()) ? tmpdir() : '/tmp';
  const folder = mkdtempSync(join(parent, prefix));
  chmodSync(folder, 0o755);
  return folder;
}
