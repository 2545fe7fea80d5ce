import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { platform } from 'node:process';

const mebibyte = 1024 * 1024;
/** USER_HZ of /proc, which is 100 on Linux. */
const ticksPerSecond = 100;

/** Resident memory of a process in MiB. */
export function residentMiB(pid: number): number {
  const kibibytes =
    platform === 'linux'
      ? /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' });
  return (Number(kibibytes) * 1024) / mebibyte;
}

/** Returns the processor time of a process; undefined if the system has no clock fine enough. */
export function processorSeconds(pid: number): number | undefined {
  if (platform !== 'linux') return undefined;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The command's name may hold any character. utime and stime are the 12th and 13th field after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}
