import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { kill } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLineOf, isAlive } from './process-identity.ts';

export interface Postmaster {
  pid: number;
  port: number;
  ready: boolean;
}

const pollMs = 20;
/** Fast shutdown writes a checkpoint first; what is not down by then is cut off, and recovers at its next start. */
const fastShutdownMs = 15_000;

/** The server running on a cluster, from the file the server itself keeps there; undefined where none runs. */
export function findPostmaster(directory: string): Postmaster | undefined {
  const file = join(directory, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  // Lines: pid, data directory, start time, port, socket directory, listen address, shared memory, status.
  const [pid, , , port, , , , status] = readFileSync(file, 'utf8').split('\n');
  const found = { pid: Number(pid), port: Number(port), ready: status?.trim() === 'ready' };
  return found.pid > 0 && serves(found.pid, directory) ? found : undefined;
}

/** A pid that went to another program is not our server, though the file of a killed one still names it. */
function serves(pid: number, directory: string): boolean {
  return isAlive(pid) && commandLineOf(pid).includes(` -D ${resolve(directory)} `);
}

/**
 * PostgreSQL itself would take any live process under the recorded pid for a server, and refuse to start. Leaves an empty
 * file alone: a server that is just starting has one for a moment.
 */
export function clearStalePostmaster(directory: string): void {
  const file = join(directory, 'postmaster.pid');
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 0 && findPostmaster(directory) === undefined) rmSync(file, { force: true });
}

/** Fast shutdown: sessions are cut off, transactions rolled back, a checkpoint written. */
export async function stopPostmaster(pid: number): Promise<void> {
  signal(pid, 'SIGINT');
  if (await endsWithin(pid, fastShutdownMs)) return;
  signal(pid, 'SIGQUIT');
  await endsWithin(pid, fastShutdownMs);
}

async function endsWithin(pid: number, limitMs: number): Promise<boolean> {
  const until = Date.now() + limitMs;
  while (isAlive(pid)) {
    if (Date.now() > until) return false;
    await sleep(pollMs);
  }
  return true;
}

function signal(pid: number, name: 'SIGINT' | 'SIGQUIT'): void {
  try {
    kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
