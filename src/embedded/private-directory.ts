import { chmodSync, lstatSync, mkdirSync, readdirSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { getuid } from 'node:process';
import { makeTraversable } from './cluster/traversable-directory.ts';

/** Entries of a data directory that the broker creates. Other entries keep their mode. */
const ownEntries = [
  'admin-key',
  'broker.lock',
  'database-password',
  'database-url',
  'encryption-keys',
  'instances',
  'postgres',
  'postgres.lock',
  'postgres-password',
  'postgres.log',
  'redis-password',
  'redis-url',
  'start-failures',
];
const stickyBit = 0o1000;

export interface Tightened {
  /** Paths whose mode was too wide and is now private. */
  tightened: string[];
  /** Paths that stay accessible to other users: they belong to another user, so their mode cannot be changed. */
  exposed: string[];
}

/** Creates a directory with mode 0700, whatever the umask. An existing one keeps its mode. */
export function createPrivateDirectory(directory: string): void {
  const path = resolve(directory);
  makeTraversable(dirname(path));
  // An explicit chmod is not needed: a umask can only remove bits.
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

/**
 * Creates a data directory, or removes the access of other users to an existing one and to the entries of the broker.
 * Throws for a directory that other programs share.
 */
export function secureDataDirectory(directory: string): Tightened {
  const path = resolve(directory);
  createPrivateDirectory(path);
  const result: Tightened = { tightened: [], exposed: [] };
  const { mode } = lstatSync(path);
  if ((mode & stickyBit) !== 0 || path === dirname(path)) {
    throw new Error(`${path} is shared with other programs. Give the broker a directory of its own.`);
  }
  // As root, the group may traverse it: the database's user must reach its cluster (see cluster-location.ts).
  tighten(path, getuid?.() === 0 ? 0o710 : 0o700, result);
  for (const name of ownEntries) tightenAll(join(path, name), name !== 'postgres', result);
  return result;
}

/** True if only the user of this process can enter or change the directory. Creates a missing one. */
export function isPrivateDirectory(directory: string): boolean {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const found = lstatSync(directory);
    return found.isDirectory() && found.uid === getuid?.() && (found.mode & 0o077) === 0;
  } catch {
    return false;
  }
}

/** Follows no links. The content of the cluster is left to PostgreSQL, which creates it with private modes. */
function tightenAll(path: string, isRecursive: boolean, result: Tightened): void {
  const found = tighten(path, 0o700, result);
  if (!isRecursive || !found?.isDirectory()) return;
  for (const name of namesIn(path)) tightenAll(join(path, name), true, result);
}

/** Another process that starts on the directory may remove or rename a folder meanwhile. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return [];
  }
}

function tighten(path: string, allowed: number, { tightened, exposed }: Tightened): Stats | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.isSymbolicLink() || (found.mode & 0o777 & ~allowed) === 0) return found;
  try {
    chmodSync(path, found.mode & allowed);
    tightened.push(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') exposed.push(path);
  }
  return found;
}
