import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { getuid } from 'node:process';

export interface SystemUser {
  uid: number;
  gid: number;
}

/**
 * Returns the user that runs the database; undefined for the user of this process. PostgreSQL refuses to run as root.
 * Root therefore uses the owner of an existing cluster, the account `postgres`, or the unprivileged system account, in
 * this order.
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

/** True if the user may traverse all directories above `path` and read `path` itself. */
export function canRead(user: SystemUser | undefined, path: string): boolean {
  return user === undefined || (isAllowed(user, path, 4) && canPassTo(user, dirname(resolve(path))));
}

/** True if the user may traverse `directory` and all directories above it. */
export function canPassTo(user: SystemUser | undefined, directory: string): boolean {
  if (user === undefined) return true;
  for (let path = resolve(directory); ; path = dirname(path)) {
    if (!isAllowed(user, path, 1)) return false;
    if (path === dirname(path)) return true;
  }
}

/** Checks permission bits: 4 to read, 1 to traverse. Child processes have no supplementary groups. */
function isAllowed(user: SystemUser, path: string, bit: 1 | 4): boolean {
  const { uid, gid, mode } = statSync(path);
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
  return ((mode >> shift) & bit) !== 0;
}
