import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { kill, platform } from 'node:process';

/** A process that has ended counts as dead before its parent takes note of it, which some never do. */
export function isAlive(pid: number): boolean {
  try {
    kill(pid, 0);
  } catch (error) {
    // EPERM: alive, and someone else's.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return identityOf(pid) !== undefined;
}

/**
 * What tells a process from a later one under the same pid: the boot and the tick it started in. Undefined where there
 * is no such process.
 */
export function identityOf(pid: number): string | undefined {
  try {
    if (platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
        encoding: 'utf8',
        env: { LC_ALL: 'C' },
      }).trim();
    }
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command's name, in parentheses, may hold spaces and parentheses; what follows the last one is numbered from 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : `${boot}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

export function commandLineOf(pid: number): string {
  try {
    if (platform !== 'linux') {
      return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8', env: { LC_ALL: 'C' } });
    }
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
