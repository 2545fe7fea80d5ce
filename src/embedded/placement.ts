import { chmodSync, existsSync, lstatSync, mkdtempSync, realpathSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { makePassable } from './passable.ts';
import { canPassTo, type SystemUser } from './system-user.ts';

/** Whether a cluster was ever made for this data directory, be it lost since. */
export function clusterExists(dataDir: string): boolean {
  return lstatSync(join(dataDir, 'postgres'), { throwIfNoEntry: false }) !== undefined;
}

/**
 * Where the cluster lies: `postgres` in the data directory. Where the database's user cannot pass to it (a data directory
 * below /root, say, with root running the broker), that is a link to a folder below `shelter`.
 */
export function placeCluster(dataDir: string, user: SystemUser | undefined, shelter: string): string {
  const place = join(resolve(dataDir), 'postgres');
  if (clusterExists(dataDir)) {
    if (!existsSync(place)) {
      throw new Error(
        `${place} is a link to a folder that is gone: the database is lost. Restore it, or remove the link and encryption-keys to begin anew.`,
      );
    }
    return realpathSync(place);
  }
  makePassable(resolve(dataDir));
  if (canPassTo(user, dataDir)) return join(realpathSync(dataDir), 'postgres');
  makePassable(shelter);
  const home = mkdtempSync(join(shelter, 'cluster-'));
  chmodSync(home, 0o711);
  return join(home, 'postgres');
}

/** Makes a cluster that lies elsewhere found from the data directory. After it is complete: the link is what says it exists. */
export function linkCluster(dataDir: string, directory: string): void {
  const place = join(resolve(dataDir), 'postgres');
  if (!existsSync(place)) symlinkSync(directory, place);
}
