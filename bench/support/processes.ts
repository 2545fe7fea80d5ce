import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { platform } from 'node:process';

const mebibyte = 1024 * 1024;
/** Of /proc: USER_HZ, 100 on every Linux there is. */
const ticksPerSecond = 100;

/** Resident memory of a process in MiB. */
export function residentMiB(pid: number): number {
  const kibibytes =
    platform === 'linux'
      ? /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
  return (Number(kibibytes) * 1024) / mebibyte;
}

/** Processor time a process has used; undefined where the system does not tell in fine enough steps. */
export function processorSeconds(pid: number): number | undefined {
  if (platform !== 'linux') return undefined;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // Behind the command's name, which may hold anything: utime and stime are the 12th and 13th from there.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
