import { accessSync, constants, lstatSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DataDirectory, DirectoryState } from '../../../doctor/machine.ts';
import { membersOf } from '../../../doctor/request.ts';

/** Entries of the broker. Other entries of the directory are not its own. */
const secretFiles = ['admin-key', 'encryption-keys', 'postgres-password'];
const otherEntries = ['broker.lock', 'instances', 'postgres', 'postgres.lock', 'postgres.log', 'start-failures'];
/** Bits of group and others. */
const foreign = 0o077;
/** Root lets the database's own user through, by the group. */
const passage = 0o010;

/** Returns the data directory at a path, which is read anew for each question. */
export function openDataDirectory(path: string): DataDirectory {
  return {
    path,
    state: () => stateOf(path),
    holder: () => holderOf(path),
    waitingTokens: () => waitingTokensIn(join(path, 'instances')),
  };
}

function stateOf(path: string): DirectoryState {
  try {
    const found = statSync(path);
    if (!found.isDirectory()) return { kind: 'file' };
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    readdirSync(path);
    return { kind: 'usable', ...openEntriesOf(path, found) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return { kind: 'unusable', code, user: process.getuid?.() ?? null };
  }
}

function openEntriesOf(path: string, { mode, uid }: Stats) {
  const open = (names: readonly string[]) => names.filter((name) => isOpen(join(path, name)));
  const allowed = uid === 0 ? passage : 0;
  const folder = (mode & foreign & ~allowed) === 0 ? [] : ['the folder itself'];
  return { openSecrets: open(secretFiles), openEntries: [...folder, ...open(otherEntries)] };
}

/** A link is not followed: the modes of what it leads to are checked there. */
function isOpen(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isSymbolicLink() && (found.mode & foreign) !== 0;
}

/** Finds the process that holds the lock of the embedded database, if it lives on this machine. */
function holderOf(path: string): number | undefined {
  try {
    const { pid } = membersOf(readFileSync(join(path, 'broker.lock'), 'utf8'));
    if (typeof pid !== 'number') return undefined;
    // Signal 0 only asks whether the process exists.
    process.kill(pid, 0);
    return pid;
  } catch {
    return undefined;
  }
}

function waitingTokensIn(folder: string): ReturnType<DataDirectory['waitingTokens']> {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return { folder, count: names.filter((name) => name.endsWith('.tokens')).length };
  } catch {
    return undefined;
  }
}
