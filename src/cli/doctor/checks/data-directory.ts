import { accessSync, constants, lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, type Finding, failed, ok, skipped, warning } from '../check.ts';

/** Entries of the broker. Other entries of the directory are not its own. */
const secretFiles = ['admin-key', 'encryption-keys', 'postgres-password'];
const otherEntries = ['broker.lock', 'instances', 'postgres', 'postgres.lock', 'postgres.log', 'start-failures'];
/** Bits of group and others. */
const foreign = 0o077;
/** Root lets the database's own user through, by the group. */
const passage = 0o010;

/** Checks that the data directory can be used, and that other users cannot read it. */
export const dataDirectoryCheck: Check = {
  name: 'data directory',
  async run({ dataDirectory, isLocal }) {
    if (dataDirectory === null) {
      const found = isLocal ? 'No data directory is here.' : 'It is on another machine.';
      return skipped(found, 'Run doctor where the service runs, with its DATA_DIR.');
    }
    const { path } = dataDirectory;
    try {
      const found = statSync(path);
      if (!found.isDirectory()) return failed(`DATA_DIR ${path} is a file.`, 'Name a folder in DATA_DIR.');
      accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
      readdirSync(path);
      return judgeModes(path, found);
    } catch (error) {
      return unusable(path, (error as NodeJS.ErrnoException).code ?? 'unknown');
    }
  },
};

function unusable(path: string, code: string): Finding {
  if (code === 'ENOENT') return failed(`DATA_DIR ${path} is not there.`, 'Correct DATA_DIR, or mount its disk.');
  if (code === 'EROFS')
    return failed(`DATA_DIR ${path} is read-only.`, 'Mount it for writing: rotated tokens are kept there.');
  if (code !== 'EACCES' && code !== 'EPERM')
    return failed(`DATA_DIR ${path} cannot be used (${code}).`, 'Check its disk.');
  return failed(
    `DATA_DIR ${path} cannot be read and written by this user (uid ${process.getuid?.() ?? 'unknown'}).`,
    `Run as the user of the service, or give it the folder: chown -R USER ${path} && chmod 0700 ${path}`,
  );
}

function judgeModes(path: string, { mode, uid }: Stats): Finding {
  const open = (names: readonly string[]) => names.filter((name) => isOpen(join(path, name)));
  const secrets = open(secretFiles);
  const close = `chmod -R go-rwx ${path}`;
  if (secrets.length > 0) return failed(`Other users can read ${secrets.join(', ')} in ${path}.`, close);
  const allowed = uid === 0 ? passage : 0;
  const others = [...((mode & foreign & ~allowed) === 0 ? [] : ['the folder itself']), ...open(otherEntries)];
  if (others.length > 0) return warning(`Other users can enter ${path}: ${others.join(', ')}.`, close);
  return ok(`${path} is private and can be written.`);
}

/** A link is not followed: the modes of what it leads to are checked there. */
function isOpen(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && !found.isSymbolicLink() && (found.mode & foreign) !== 0;
}
