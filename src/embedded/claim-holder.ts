import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ClaimRecord, fileSystemNow, readClaim, sharesPids, sharesSockets } from './claim-record.ts';
import { contact } from './claim-socket.ts';
import { identityOf } from './process-identity.ts';

/** A process that holds a claim and counts as alive. */
export interface Holder {
  /** Null if the claim does not say. */
  record: ClaimRecord | null;
  /** True if it is this process. */
  isOwn: boolean;
  /** Evidence of life. A socket or a process proves it; a heartbeat may be that of a process killed a moment ago. */
  proof: 'socket' | 'process' | 'heartbeat';
  /** Time of the last heartbeat by the clock of the file system, in milliseconds. */
  beatAt: number;
}

/** State of a claim's path. Files of a dead claim have names of their own: removing them cannot hit a later claim. */
export type ClaimState =
  | { state: 'free' }
  | { state: 'dead'; files: string[] }
  | { state: 'dead file' }
  | { state: 'held'; holder: Holder };

export const recordExtension = '.json';
export const socketExtension = '.sock';
export const heartbeatMs = 5_000;
/** Limit of silence for a holder of which only heartbeats can be seen: six missed ones. */
export const silenceLimitMs = 30_000;

/** Claims of this process, by their unique names. */
export const ownClaims = new Set<string>();

/** Finds the holder of a claim and whether it is alive. */
export async function inspectClaim(path: string): Promise<ClaimState> {
  for (;;) {
    const found = await inspectOnce(path);
    if (found !== undefined) return found;
  }
}

/** Returns undefined if the claim changed meanwhile. */
async function inspectOnce(path: string): Promise<ClaimState | undefined> {
  const names = namesIn(path);
  if (names === 'absent') return { state: 'free' };
  if (names === 'file') return inspectFile(path);
  const recordName = names.find((name) => name.endsWith(recordExtension));
  if (recordName === undefined) return inspectRemains(path, names);
  const claim = readClaim(join(path, recordName));
  if (claim === undefined) return undefined;
  const { record, beatAt } = claim;
  const id = recordName.slice(0, -recordExtension.length);
  const held = (proof: Holder['proof']): ClaimState => ({
    state: 'held',
    holder: { record, isOwn: ownClaims.has(id), proof, beatAt },
  });
  const dead: ClaimState = { state: 'dead', files: [recordName, `${id}${socketExtension}`] };
  if (ownClaims.has(id)) return held('process');
  if (record?.listens === true) {
    const found = await contact(path, `${id}${socketExtension}`);
    if (found === 'accepted') return held('socket');
    if (readClaim(join(path, recordName)) === undefined) return undefined;
    const shares = found === 'refused' && sharesSockets(record, path);
    if (shares === undefined) return undefined;
    if (shares) return dead;
  } else if (record !== null && sharesPids(record)) {
    return identityOf(record.pid) === (record.started ?? undefined) ? held('process') : dead;
  }
  return isSilent(path, beatAt) ? dead : held('heartbeat');
}

/** A socket without a record: its claim was found dead and is half removed, or the record was deleted by hand. */
async function inspectRemains(path: string, names: string[]): Promise<ClaimState> {
  const sockets = names.filter((name) => name.endsWith(socketExtension));
  for (const name of sockets) {
    if ((await contact(path, name)) === 'accepted') {
      return { state: 'held', holder: { record: null, isOwn: false, proof: 'socket', beatAt: 0 } };
    }
  }
  return sockets.length === 0 ? { state: 'free' } : { state: 'dead', files: sockets };
}

/** A lock file of version 0.1, whose holder renews its modification time. */
function inspectFile(path: string): ClaimState | undefined {
  const claim = readClaim(path);
  if (claim === undefined) return undefined;
  if (isSilent(path, claim.beatAt)) return { state: 'dead file' };
  return { state: 'held', holder: { record: null, isOwn: false, proof: 'heartbeat', beatAt: claim.beatAt } };
}

/** A time far in the future is silence too: the clock was set back after the last heartbeat. */
function isSilent(path: string, beatAt: number): boolean {
  return Math.abs(fileSystemNow(path) - beatAt) >= silenceLimitMs;
}

function namesIn(path: string): string[] | 'absent' | 'file' {
  try {
    return readdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return 'absent';
    if (code === 'ENOTDIR') return 'file';
    // The claim of another user may be unreadable. Its holder may be alive.
    throw error;
  }
}
