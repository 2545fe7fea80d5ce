import { type Check, type Finding, failed, ok, skipped, warning } from '../check.ts';
import type { DirectoryState } from '../machine.ts';

/** Checks that the data directory can be used, and that other users cannot read it. */
export const dataDirectoryCheck: Check = {
  name: 'data directory',
  async run({ machine, isLocal }) {
    if (machine === null) {
      return skipped('Its files are not read here.', 'Run token-broker doctor on the machine of the service.');
    }
    const { dataDirectory } = machine;
    if (dataDirectory === null) {
      const found = isLocal ? 'No data directory is here.' : 'It is on another machine.';
      return skipped(found, 'Run doctor where the service runs, with its DATA_DIR.');
    }
    return judge(dataDirectory.path, dataDirectory.state());
  },
};

function judge(path: string, state: DirectoryState): Finding {
  if (state.kind === 'file') return failed(`DATA_DIR ${path} is a file.`, 'Name a folder in DATA_DIR.');
  if (state.kind === 'unusable') return unusable(path, state);
  const { openSecrets, openEntries } = state;
  const close = `chmod -R go-rwx ${path}`;
  if (openSecrets.length > 0) return failed(`Other users can read ${openSecrets.join(', ')} in ${path}.`, close);
  if (openEntries.length > 0) return warning(`Other users can enter ${path}: ${openEntries.join(', ')}.`, close);
  return ok(`${path} is private and can be written.`);
}

function unusable(path: string, { code, user }: DirectoryState & { kind: 'unusable' }): Finding {
  if (code === 'ENOENT') return failed(`DATA_DIR ${path} is not there.`, 'Correct DATA_DIR, or mount its disk.');
  if (code === 'EROFS')
    return failed(`DATA_DIR ${path} is read-only.`, 'Mount it for writing: rotated tokens are kept there.');
  if (code !== 'EACCES' && code !== 'EPERM')
    return failed(`DATA_DIR ${path} cannot be used (${code}).`, 'Check its disk.');
  return failed(
    `DATA_DIR ${path} cannot be read and written by this user (uid ${user ?? 'unknown'}).`,
    `Run as the user of the service, or give it the folder: chown -R USER ${path} && chmod 0700 ${path}`,
  );
}
