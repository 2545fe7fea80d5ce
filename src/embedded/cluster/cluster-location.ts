import { chmodSync, chownSync, existsSync, lstatSync, mkdtempSync, realpathSync, statSync, symlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { canPassTo, type SystemUser } from './system-user.ts';
import { makeTraversable } from './traversable-directory.ts';

/** True if a cluster was created for this data directory, even if it is lost. */
export function clusterExists(dataDir: string): boolean {
  return lstatSync(join(dataDir, 'postgres'), { throwIfNoEntry: false }) !== undefined;
}

/**
 * Returns the directory of the cluster: `postgres` in the data directory. If the database's user cannot traverse to it,
 * for example below /root, `postgres` is a link to a folder below `shelter`.
 */
export function placeCluster(dataDir: string, user: SystemUser | undefined, shelter: string): string {
  const place = join(resolve(dataDir), 'postgres');
  if (clusterExists(dataDir)) {
    if (!existsSync(place)) {
      throw new Error(
        `${place} is a link to a folder that is gone: the database is lost. Restore it, or remove the link and encryption-keys to begin anew.`,
      );
    }
    const directory = realpathSync(place);
    if (dirname(directory) === realpathSync(dataDir)) letPass(user, dataDir);
    return directory;
  }
  if (canPassTo(user, dirname(resolve(dataDir)))) {
    letPass(user, dataDir);
    return join(realpathSync(dataDir), 'postgres');
  }
  makeTraversable(shelter);
  const home = mkdtempSync(join(shelter, 'cluster-'));
  chmodSync(home, 0o711);
  return join(home, 'postgres');
}

/**
 * Links a cluster below the shelter to the data directory. Call it after the cluster is complete: clusterExists reads
 * the link.
 */
export function linkCluster(dataDir: string, directory: string): void {
  const place = join(resolve(dataDir), 'postgres');
  if (!existsSync(place)) symlinkSync(directory, place);
}

/**
 * Lets the database's user traverse the data directory, and no other user. Mode 0710 with the group of that user is the
 * narrowest that works: it lists no names, and every file in the directory is private to its owner.
 */
function letPass(user: SystemUser | undefined, dataDir: string): void {
  if (user === undefined) return;
  const { uid } = statSync(dataDir);
  if (uid === user.uid) return;
  chownSync(dataDir, uid, user.gid);
  chmodSync(dataDir, 0o710);
}
