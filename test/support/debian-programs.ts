import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { env, getuid } from 'node:process';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Where packages put programs that a bare PATH may leave out. */
const usualFolders = ['/usr/local/bin', '/usr/bin', '/usr/sbin'];
/** apt lists every file it unpacks. */
const longestOutput = 64 * 1024 * 1024;

/** The first of these programs that is there, by its path. */
export function findProgram(names: readonly string[]): string | undefined {
  const folders = [...(env.PATH ?? '').split(delimiter), ...usualFolders];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

/** Installs a package as root on Debian. Answers why it could not, or that what it brings was still not found. */
export async function installPackage(name: string): Promise<string> {
  if (getuid?.() !== 0 || !isExecutable('/usr/bin/apt-get')) return 'and it can be installed only by root on Debian';
  try {
    // RUNLEVEL=1 keeps a package from starting a server of its own. The lock is another set-up's, doing the same.
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
