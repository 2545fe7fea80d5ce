import { linkSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pid as ownPid } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { makePassable } from './passable.ts';
import { identityOf } from './process-identity.ts';

export interface Lock {
  release(): void;
}

interface Holder {
  pid: number;
  /** Tells the holder from a later process under its pid. */
  identity: string;
}

/** Far more than the few system calls that a takeover is. */
const takeoverLimitMs = 10_000;

/**
 * Makes this process the only broker on a data directory. Throws with the holder's pid where that is alive; a holder that
 * was killed is replaced. Processes are told apart within one machine and one container only.
 */
export async function acquireLock(dataDir: string): Promise<Lock> {
  makePassable(resolve(dataDir));
  const file = join(resolve(dataDir), 'broker.lock');
  const own = JSON.stringify({ pid: ownPid, identity: identityOf(ownPid) ?? '' } satisfies Holder);
  while (!createWhole(file, own)) {
    const holder = readHolder(file);
    if (holder !== undefined && identityOf(holder.pid) === holder.identity) {
      throw new Error(
        `Another broker, process ${holder.pid}, runs on ${dataDir}. Stop it first, or give this one another DATA_DIR.`,
      );
    }
    if (!removeStale(file)) await sleep(20);
  }
  return {
    release: () => {
      if (readFileIfAny(file) === own) rmSync(file, { force: true });
    },
  };
}

/** A link is made in one step and only where nothing is: nobody ever reads half a lock. */
function createWhole(file: string, content: string): boolean {
  const draft = `${file}.${ownPid}`;
  writeFileSync(draft, content, { mode: 0o644 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * False where another process is at it. One at a time, and judged again inside: of two that found the same dead holder,
 * the slower must not remove the lock that the faster has taken meanwhile.
 */
function removeStale(file: string): boolean {
  const gate = `${file}.takeover`;
  try {
    mkdirSync(gate);
  } catch {
    removeAbandoned(gate);
    return false;
  }
  try {
    const holder = readHolder(file);
    if (holder === undefined || identityOf(holder.pid) !== holder.identity) rmSync(file, { force: true });
    return true;
  } finally {
    rmdirSync(gate);
  }
}

function removeAbandoned(gate: string): void {
  try {
    if (Date.now() - statSync(gate).mtimeMs < takeoverLimitMs) return;
    renameSync(gate, `${gate}.${ownPid}`);
    rmdirSync(`${gate}.${ownPid}`);
  } catch {
    // Gone already.
  }
}

function readHolder(file: string): Holder | undefined {
  const content = readFileIfAny(file);
  if (content === undefined) return undefined;
  try {
    const holder = JSON.parse(content) as Holder;
    return Number.isInteger(holder.pid) && typeof holder.identity === 'string' ? holder : undefined;
  } catch {
    return undefined;
  }
}

function readFileIfAny(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
