import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { kill } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandLineOf, isAlive } from '../process-identity.ts';

/** A Unix socket in a folder, or a port of the loopback address. */
export type Address = { socketDirectory: string } | { port: number };

export interface Postmaster {
  pid: number;
  /** Valid only if `ready` is true. */
  address: Address;
  ready: boolean;
}

const pollMs = 20;
/**
 * Time for a fast shutdown, which writes a checkpoint. After it the server is stopped at once and recovers at its next
 * start.
 */
const fastShutdownMs = 15_000;

/** Finds the server that runs on a cluster, through the server's own postmaster.pid. */
export function findPostmaster(directory: string): Postmaster | undefined {
  const file = join(directory, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  // Lines: pid, data directory, start time, port, socket directory, listen address, shared memory, status.
  const [pid, , , port, socketDirectory = '', listening, , status] = readFileSync(file, 'utf8').split('\n');
  const address = listening ? { port: Number(port) } : { socketDirectory };
  const found = { pid: Number(pid), address, ready: status?.trim() === 'ready' };
  return found.pid > 0 && runsOn(found.pid, directory) ? found : undefined;
}

/** Checks the command line: the file of a killed server may name a pid that belongs to another program now. */
export function runsOn(pid: number, directory: string): boolean {
  return isAlive(pid) && commandLineOf(pid).includes(` -D ${resolve(directory)} `);
}

/**
 * Removes the postmaster.pid of a killed server. PostgreSQL refuses to start if any live process has the recorded pid.
 * Keeps an empty file: a starting server creates it empty.
 */
export function clearStalePostmaster(directory: string): void {
  const file = join(directory, 'postmaster.pid');
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 0 && findPostmaster(directory) === undefined) rmSync(file, { force: true });
}

/** Stops the server: ends sessions, rolls back transactions and writes a checkpoint. */
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
