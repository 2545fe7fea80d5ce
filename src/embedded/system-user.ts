import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { getuid } from 'node:process';

export interface SystemUser {
  uid: number;
  gid: number;
}

/**
 * Who the database runs as: undefined where that is whoever runs this process. PostgreSQL refuses to run as root, so root
 * hands it to the owner of an existing cluster, else to the system's own account for it, else to nobody.
 */
export function databaseUser(existingCluster: string): SystemUser | undefined {
  if (getuid?.() !== 0) return undefined;
  if (existsSync(existingCluster)) {
    const { uid, gid } = statSync(existingCluster);
    if (uid !== 0) return { uid, gid };
  }
  const user = accountNamed('postgres') ?? accountNamed('nobody');
  if (user === undefined) {
    throw new Error(
      'The embedded database cannot run as root, and this system has neither the account postgres nor nobody. Start as another user, or set DATABASE_URL.',
    );
  }
  return user;
}

function accountNamed(name: string): SystemUser | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** Whether the user may pass through every directory above `path` and read `path` itself. */
export function canRead(user: SystemUser | undefined, path: string): boolean {
  return user === undefined || (isAllowed(user, path, 4) && canPassTo(user, dirname(resolve(path))));
}

/** Whether the user may pass through `directory` and every directory above it. */
export function canPassTo(user: SystemUser | undefined, directory: string): boolean {
  if (user === undefined) return true;
  for (let path = resolve(directory); ; path = dirname(path)) {
    if (!isAllowed(user, path, 1)) return false;
    if (path === dirname(path)) return true;
  }
}

/** The plain permission bits; 4 to read, 1 to pass. Processes are started with no other group than their own. */
function isAllowed(user: SystemUser, path: string, bit: 1 | 4): boolean {
  const { uid, gid, mode } = statSync(path);
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
  return ((mode >> shift) & bit) !== 0;
}
