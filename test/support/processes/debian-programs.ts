import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { env, getuid } from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Folders of installed programs that a minimal PATH may leave out. */
const usualFolders = ['/usr/local/bin', '/usr/bin', '/usr/sbin'];
/** Bytes of output to accept: apt lists every file it unpacks. */
const longestOutput = 64 * 1024 * 1024;

/** Returns the path of the first of these programs that is installed. */
export function findProgram(names: readonly string[]): string | undefined {
  const folders = [...(env.PATH ?? '').split(delimiter), ...usualFolders];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

/** One at a time: a second `apt-get update` fails while the first one runs. */
let installing: Promise<unknown> = Promise.resolve();

/** Installs a package as root on Debian. Returns the reason why its program may still be missing, to end a sentence. */
export function installPackage(name: string): Promise<string> {
  const installed = installing.then(() => install(name));
  installing = installed;
  return installed;
}

async function install(name: string): Promise<string> {
  if (getuid?.() !== 0 || !isExecutable('/usr/bin/apt-get')) return 'and it can be installed only by root on Debian';
  try {
    // RUNLEVEL=1 keeps a package from starting a server. Another test set-up may hold the lock of dpkg meanwhile.
    const environment = { ...env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    const options = { env: environment, maxBuffer: longestOutput };
    const quiet = ['-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120'];
    await run('apt-get', ['update', '-qq'], options);
    await run('apt-get', ['install', ...quiet, name], options);
    return 'and the installed one was not found';
  } catch (error) {
    return `and installing it failed: ${error instanceof Error ? error.message.split('\n')[0] : 'unknown error'}`;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
