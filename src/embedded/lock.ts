import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
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
  /** Pids mean something only on the machine, and in the container, that gave them. */
  host: string;
}

/** Far more than the few system calls that a takeover is. */
const takeoverLimitMs = 10_000;
const beatEveryMs = 5_000;
/** A holder of another host is dead after this much silence. */
const silenceLimitMs = 30_000;

/**
 * Makes this process the only broker on a data directory. Throws with the holder's pid where that is alive; a holder that
 * was killed is replaced.
 */
export async function acquireLock(dataDir: string): Promise<Lock> {
  makePassable(resolve(dataDir));
  const taken = await tryLock(join(resolve(dataDir), 'broker.lock'));
  if ('release' in taken) return taken;
  const where = taken.host === hostname() ? '' : ` on ${taken.host}`;
  throw new Error(
    `Another broker, process ${taken.pid}${where}, runs on ${dataDir}. Stop it first, or give this one another DATA_DIR.`,
  );
}

/** The lock, or whoever holds it and is alive. On one host a killed holder is known at once; one of another host by its silence. */
export async function tryLock(file: string): Promise<Lock | Holder> {
  const own = JSON.stringify({ pid: ownPid, identity: identityOf(ownPid) ?? '', host: hostname() } satisfies Holder);
  while (!createWhole(file, own)) {
    const holder = readHolder(file);
    if (holder !== undefined && isHeld(file, holder)) return holder;
    if (!removeStale(file)) await sleep(20);
  }
  const beat = setInterval(() => touch(file), beatEveryMs);
  beat.unref();
  return {
    release: () => {
      clearInterval(beat);
      if (readFileIfAny(file) === own) rmSync(file, { force: true });
    },
  };
}

function isHeld(file: string, holder: Holder): boolean {
  if (holder.host === hostname()) return identityOf(holder.pid) === holder.identity;
  try {
    return Date.now() - statSync(file).mtimeMs < silenceLimitMs;
  } catch {
    return false;
  }
}

function touch(file: string): void {
  const now = new Date();
  try {
    utimesSync(file, now, now);
  } catch {
    // A directory that was removed under a running broker is for whoever removed it to notice.
  }
}

/** A link is made in one step and only where nothing is: nobody ever reads half a lock. */
function createWhole(file: string, content: string): boolean {
  const draft = `${file}.${hostname()}.${ownPid}`;
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
    if (holder === undefined || !isHeld(file, holder)) rmSync(file, { force: true });
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
    const { pid, identity, host } = JSON.parse(content) as Holder;
    return Number.isInteger(pid) && typeof identity === 'string' && typeof host === 'string'
      ? { pid, identity, host }
      : undefined;
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
