import { createHash } from 'node:crypto';
import { chmodSync, lchownSync, lstatSync, mkdirSync, readFileSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { geteuid, platform } from 'node:process';
import { runsOn } from './postmaster.ts';
import { canPassTo, type SystemUser } from './system-user.ts';

/** Part of the socket's name alone: the server listens on no port. */
export const socketPort = 5432;

interface ClusterFolder {
  directory: string;
  /** User that runs the database. Undefined: the user of this process. */
  user: SystemUser | undefined;
}

const socketName = `.s.PGSQL.${socketPort}`;
/** Bytes of a socket's path that fit into sockaddr_un, without its final NUL. The server refuses longer paths. */
const maxPathBytes = platform === 'linux' ? 107 : 103;
const stickyBit = 0o1000;

/**
 * Returns the folder for the socket of a cluster: the folder of the cluster or, if its path is too long for a socket, a
 * folder below `temporary` that its path determines. Only the user of the database and root can enter it. Throws if
 * another user could have made it.
 */
export function prepareSocketDirectory({ directory, user }: ClusterFolder, temporary = tmpdir()): string {
  const ownUid = geteuid?.() ?? 0;
  if (fits(directory)) {
    const { uid, mode } = lstatSync(directory);
    if (uid !== (user?.uid ?? ownUid)) throw new Error(`${directory} belongs to another user (uid ${uid}).`);
    if ((mode & 0o077) !== 0) chmodSync(directory, 0o700);
    return directory;
  }
  const name = `token-broker-${createHash('sha256').update(directory).digest('hex').slice(0, 16)}`;
  const parent = [temporary, '/tmp'].map((path) => realpathSync(path)).find((path) => fits(join(path, name)));
  if (parent === undefined || !canPassTo(user, parent)) {
    throw new Error(`The path of DATA_DIR is too long for the socket of its database: ${directory}. Move DATA_DIR.`);
  }
  checkTemporary(parent, ownUid);
  const path = join(parent, name);
  claim(path, user, ownUid);
  return path;
}

/** Removes the folder of a stopped server if it is below the temporary folder. */
export function removeSocketDirectory({ directory }: ClusterFolder, socketDirectory: string): void {
  if (socketDirectory === directory) return;
  try {
    rmdirSync(socketDirectory);
  } catch {
    // Already removed, or a server that another process started uses it.
  }
}

/** True if the socket of the server is in its folder. A program that tidies the temporary folder may have removed it. */
export function hasSocket(socketDirectory: string): boolean {
  return lstatSync(join(socketDirectory, socketName), { throwIfNoEntry: false })?.isSocket() === true;
}

/**
 * Removes the socket's lock file of a killed server. PostgreSQL refuses to start if a live process has the recorded
 * pid.
 */
export function clearStaleSocketLock(directory: string, socketDirectory: string): void {
  const file = join(socketDirectory, `${socketName}.lock`);
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  if (!(pid > 0 && runsOn(pid, directory))) rmSync(file, { force: true });
}

function fits(directory: string): boolean {
  return Buffer.byteLength(join(directory, socketName)) <= maxPathBytes;
}

/** Without the sticky bit, other users who can write to the folder can replace a folder in it. */
function checkTemporary(path: string, ownUid: number): void {
  const { uid, mode } = lstatSync(path);
  const isSafe = (uid === 0 || uid === ownUid) && ((mode & 0o022) === 0 || (mode & stickyBit) !== 0);
  if (!isSafe) {
    throw new Error(
      `The path of DATA_DIR is too long for the socket of its database, and other users can replace folders in the temporary folder ${path}. Move DATA_DIR.`,
    );
  }
}

/** Creates the folder, or checks its owner and mode: another local user may have created a folder of this name. */
function claim(path: string, user: SystemUser | undefined, ownUid: number): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const found = lstatSync(path);
  const fault = !found.isDirectory()
    ? 'is a link or a file'
    : found.uid !== ownUid && found.uid !== user?.uid
      ? `belongs to another user (uid ${found.uid})`
      : (found.mode & 0o077) !== 0
        ? `is open to other users (mode ${(found.mode & 0o777).toString(8)})`
        : null;
  if (fault !== null) {
    throw new Error(
      `${path}, the folder for the socket of the embedded database, ${fault}. Remove it, or give the broker a DATA_DIR with a shorter path.`,
    );
  }
  // In a folder with the sticky bit no other user can replace a folder of this user, so the path still names it.
  if (user !== undefined && found.uid !== user.uid) lchownSync(path, user.uid, user.gid);
}
