import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ClaimState,
  type Holder,
  heartbeatMs,
  inspectClaim,
  ownClaims,
  recordExtension,
  silenceLimitMs,
  socketExtension,
} from './claim-holder.ts';
import { beat, describeOwnProcess } from './claim-record.ts';
import { listenIn } from './claim-socket.ts';

export interface Claim {
  /** Undefined if the folder cannot hold a socket. */
  server: Server | undefined;
  release(): void;
  /** Stops listening and beating but keeps the files: a child process that inherited the socket holds the claim. */
  handOver(): void;
}

export type Log = (level: 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void;

/** A claim in preparation: a folder beside the final path, with a unique name. */
interface Draft {
  id: string;
  folder: string;
  server: Server | undefined;
}

/** Each further attempt follows a claim that was released or found dead meanwhile. */
const maxAttempts = 200;
/** Age of a draft whose process was killed: a draft is in use for milliseconds. */
const abandonedMs = 60 * 60_000;

/**
 * Claims a path for this process, or returns the live holder. A claim is a folder with a record and a listening socket.
 * It is prepared elsewhere and renamed into place: rename(2) replaces an empty folder and fails on any other. Files of
 * a dead claim are removed by their unique names, so only one of several contenders finds the folder empty.
 */
export async function tryClaim(path: string, log: Log = () => {}): Promise<Claim | Holder> {
  let draft: Draft | undefined;
  try {
    for (let attempt = 1; ; attempt++) {
      const found = await inspectClaim(path);
      if (found.state === 'held') return found.holder;
      removeDead(path, found);
      draft ??= await prepare(path, log);
      const failure = publish(draft, path);
      if (failure === undefined) {
        const claim = hold(draft, path, log);
        draft = undefined;
        return claim;
      }
      if (attempt === maxAttempts) throw failure;
      await sleep(Math.random() * 20);
    }
  } finally {
    if (draft !== undefined) discard(draft);
  }
}

/** Renews the heartbeat of the claim at a path, which another process may hold. */
export function beatFor(path: string): void {
  try {
    for (const name of readdirSync(path)) if (name.endsWith(recordExtension)) beat(join(path, name));
  } catch {
    // No claim, or a disk that cannot be written to: its users fail, and the heartbeat has nothing to add.
  }
}

/** Removes the claim at a path if its holder is dead. */
export async function removeDeadClaim(path: string): Promise<void> {
  removeDead(path, await inspectClaim(path));
  removeEmpty(path);
}

async function prepare(path: string, log: Log): Promise<Draft> {
  const id = randomUUID();
  const folder = `${path}.${id}`;
  mkdirSync(folder, { mode: 0o700 });
  const draft: Draft = { id, folder, server: undefined };
  try {
    draft.server = await listenIn(folder, `${id}${socketExtension}`);
  } catch (error) {
    // Some file systems leave a plain file where they refuse a socket.
    rmSync(join(folder, `${id}${socketExtension}`), { force: true });
    log('warn', 'claim without a socket: this folder cannot hold one, so only heartbeats show life', {
      path,
      err: error,
      dead_after_seconds: silenceLimitMs / 1000,
    });
  }
  try {
    const record = describeOwnProcess(folder, draft.server !== undefined);
    writeFileSync(join(folder, `${id}${recordExtension}`), JSON.stringify(record), { mode: 0o600, flush: true });
    return draft;
  } catch (error) {
    discard(draft);
    throw error;
  }
}

/** Returns the error if another claim is in place. */
function publish({ id, folder }: Draft, path: string): unknown {
  try {
    removeEmpty(path);
    renameSync(folder, path);
    return undefined;
  } catch (error) {
    // A network file system may report a failure for a repeated request whose first copy succeeded.
    return statSync(join(path, `${id}${recordExtension}`), { throwIfNoEntry: false }) === undefined ? error : undefined;
  }
}

function hold({ id, server }: Draft, path: string, log: Log): Claim {
  ownClaims.add(id);
  const record = join(path, `${id}${recordExtension}`);
  removeAbandonedDrafts(path, record);
  const heartbeat = setInterval(() => {
    try {
      beat(record);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return;
      clearInterval(heartbeat);
      log('error', 'claim lost: its files were removed, or another host found this process silent', { path });
    }
  }, heartbeatMs);
  heartbeat.unref();
  const handOver = () => {
    clearInterval(heartbeat);
    server?.close();
    ownClaims.delete(id);
  };
  return {
    server,
    handOver,
    release: () => {
      handOver();
      removeDead(path, { state: 'dead', files: [`${id}${recordExtension}`, `${id}${socketExtension}`] });
      removeEmpty(path);
    },
  };
}

function removeDead(path: string, found: ClaimState): void {
  if (found.state === 'dead file') unlinkIfAny(path);
  if (found.state === 'dead') for (const name of found.files) unlinkIfAny(join(path, name));
}

function unlinkIfAny(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    // ENOENT, ENOTDIR: another process removed it. EISDIR, EPERM: another process made a claim in place of a file.
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!['ENOENT', 'ENOTDIR', 'EISDIR', 'EPERM'].includes(code)) throw error;
  }
}

/** rmdir(2) keeps a folder that has files. Some file systems rename onto no folder at all, not even an empty one. */
function removeEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Not there, or a claim.
  }
}

function discard({ folder, server }: Draft): void {
  server?.close();
  rmSync(folder, { recursive: true, force: true });
}

function removeAbandonedDrafts(path: string, record: string): void {
  const folder = dirname(path);
  try {
    const now = statSync(record).mtimeMs;
    for (const name of readdirSync(folder).filter((one) => one.startsWith(`${basename(path)}.`))) {
      const draft = join(folder, name);
      if (now - statSync(draft).mtimeMs > abandonedMs) rmSync(draft, { recursive: true, force: true });
    }
  } catch {
    // Removed by another process meanwhile. The next claim removes the rest.
  }
}
