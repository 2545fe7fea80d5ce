import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { kill, pid as ownPid, platform } from 'node:process';

/** Returns false for zombies too: some parents never reap their children. */
export function isAlive(pid: number): boolean {
  try {
    kill(pid, 0);
  } catch (error) {
    // EPERM: the process is alive and belongs to another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return identityOf(pid) !== undefined;
}

/**
 * Returns the boot and the tick in which a process started, which distinguish it from a later process with the same
 * pid. Returns undefined if there is no such process.
 */
export function identityOf(pid: number): string | undefined {
  try {
    if (platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
        encoding: 'utf8',
        env: { LC_ALL: 'C' },
      }).trim();
    }
    const boot = bootId();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in parentheses may hold spaces and parentheses. Field 3 follows the last parenthesis
    // (proc_pid_stat(5)).
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

/**
 * Returns the id of the running kernel's boot. All containers of a machine share it. Null if the system has none.
 */
export function bootId(): string | null {
  try {
    const id =
      platform === 'darwin'
        ? execFileSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' })
        : readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    return id.trim() || null;
  } catch {
    return null;
  }
}

/**
 * Returns the PID namespace of this process. Pids mean nothing outside it. Null if it is unknown: on systems other than
 * Linux, or if /proc shows another namespace.
 */
export function pidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self') === String(ownPid) ? readlinkSync('/proc/self/ns/pid') : null;
  } catch {
    return null;
  }
}
