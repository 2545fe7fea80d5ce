import { randomUUID } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { pid as ownPid } from 'node:process';
import { bootId, identityOf, pidNamespace } from './process-identity.ts';

/** Facts about the process that made a claim, in the claim's file. */
export interface ClaimRecord {
  /** Valid in `namespace` only. */
  pid: number;
  host: string;
  boot: string | null;
  namespace: string | null;
  /** Distinguishes the process from a later one with the same pid. */
  started: string | null;
  mount: string;
  /** True if a listening socket is beside the file. */
  listens: boolean;
}

/** Types of file systems that a kernel mounts once and no other machine shares (statfs(2)): ext, XFS, Btrfs, tmpfs, F2FS, ZFS, overlay. */
const localFileSystems = [0xef53, 0x58465342, 0x9123683e, 0x01021994, 0xf2f52010, 0x2fc12fc1, 0x794c7630];

/** Describes this process as the holder of a claim in a folder. */
export function describeOwnProcess(folder: string, listens: boolean): ClaimRecord {
  return {
    pid: ownPid,
    host: hostname(),
    boot: bootId(),
    namespace: pidNamespace(),
    started: identityOf(ownPid) ?? null,
    mount: mountOf(folder),
    listens,
  };
}

/**
 * True if both processes would meet in the same socket: they run on one kernel, and the folder is one object for it.
 * Two mounts of a network file system have separate sockets even on one machine. Undefined if the folder is gone: another
 * process has just removed the dead claim.
 */
export function sharesSockets(record: ClaimRecord, folder: string): boolean | undefined {
  if (record.boot === null || record.boot !== bootId()) return false;
  try {
    return record.mount === mountOf(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** True if pids of the record are pids of this process's namespace. */
export function sharesPids({ boot, namespace }: ClaimRecord): boolean {
  return boot !== null && boot === bootId() && namespace !== null && namespace === pidNamespace();
}

/** Reads a claim's file and the time of its last heartbeat. Undefined: no such file. A null record: it is unreadable. */
export function readClaim(file: string): { record: ClaimRecord | null; beatAt: number } | undefined {
  let descriptor: number;
  try {
    // Opening the file makes a network file system fetch its present attributes.
    descriptor = openSync(file, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
  try {
    return { record: parse(readFileSync(descriptor, 'utf8')), beatAt: fstatSync(descriptor).mtimeMs };
  } finally {
    closeSync(descriptor);
  }
}

function parse(content: string): ClaimRecord | null {
  try {
    const { pid, host, boot, namespace, started, mount, listens } = JSON.parse(content) as ClaimRecord;
    const isComplete =
      Number.isInteger(pid) &&
      [host, mount].every((value) => typeof value === 'string') &&
      [boot, namespace, started].every((value) => value === null || typeof value === 'string') &&
      typeof listens === 'boolean';
    return isComplete ? { pid, host, boot, namespace, started, mount, listens } : null;
  } catch {
    return null;
  }
}

/** Sets the modification time of a claim's file by the clock of the file system, which all its hosts share. */
export function beat(file: string): void {
  const descriptor = openSync(file, 'r+');
  try {
    // The first byte of the JSON, unchanged.
    writeSync(descriptor, '{', 0);
  } finally {
    closeSync(descriptor);
  }
}

/** Returns the time by the clock of the file system, from a file created beside the claim. */
export function fileSystemNow(claim: string): number {
  const probe = `${claim}.${randomUUID()}`;
  try {
    const descriptor = openSync(probe, 'wx', 0o600);
    try {
      writeSync(descriptor, '.');
      return fstatSync(descriptor).mtimeMs;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // A full or read-only file system.
    return Date.now();
  } finally {
    rmSync(probe, { force: true });
  }
}

function mountOf(folder: string): string {
  return localFileSystems.includes(statfsSync(folder).type) ? 'local' : String(statSync(folder).dev);
}
