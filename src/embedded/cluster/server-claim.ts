import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Claim, tryClaim } from '../claim.ts';
import { contact } from '../claim-socket.ts';
import { findPostmaster, type Postmaster } from './postmaster.ts';

const pollMs = 50;
/**
 * Time for a server of this namespace to write its pid, or for the sessions of a killed one to end. A server that holds
 * the claim for longer and whose pid is unknown here runs in another PID namespace.
 */
const foreignAfterMs = 10_000;

/** Path of the claim that the server of a cluster holds, beside the cluster. */
export function serverClaim(directory: string): string {
  return `${directory}.lock`;
}

/**
 * Claims the cluster for a new server, or returns the server that runs on it once it is ready. Waits while that one starts
 * or stops. Throws if the server runs in another PID namespace: it can be neither watched nor stopped from here.
 */
export async function claimServer(directory: string, until: number): Promise<Claim | Postmaster> {
  const foreignFrom = Date.now() + foreignAfterMs;
  for (;;) {
    const running = findPostmaster(directory);
    if (running?.ready) return running;
    let host = hostname();
    let isHeartbeat = false;
    if (running === undefined) {
      const claim = await tryClaim(serverClaim(directory));
      if ('release' in claim && !(await answers(directory))) return claim;
      if ('release' in claim) claim.release();
      else {
        host = claim.record?.host ?? host;
        isHeartbeat = claim.proof === 'heartbeat';
      }
    }
    if (running !== undefined && Date.now() > until) {
      throw new Error(`The embedded database, process ${running.pid}, neither became ready nor ended in time.`);
    }
    if (Date.now() > (isHeartbeat ? until : foreignFrom) && running === undefined) throw refusal(directory, host);
    await sleep(pollMs);
  }
}

function refusal(directory: string, host: string): Error {
  return new Error(
    `The embedded database in ${directory} runs already: process ${recordedPid(directory)} in another container or PID namespace on host ${host}. Stop it first, or give this broker another DATA_DIR.`,
  );
}

/** Detects a server that no broker of this version started, through its own socket. */
async function answers(directory: string): Promise<boolean> {
  const [, , , port, socketDirectory] = recordedLines(directory);
  return Boolean(socketDirectory) && (await contact(socketDirectory ?? '', `.s.PGSQL.${port}`)) === 'accepted';
}

function recordedPid(directory: string): string {
  return recordedLines(directory)[0] ?? 'unknown';
}

function recordedLines(directory: string): string[] {
  const file = join(directory, 'postmaster.pid');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
}
