import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Claim, type Log, tryClaim } from './claim.ts';
import { type Holder, silenceLimitMs } from './claim-holder.ts';
import { sharesPids } from './claim-record.ts';
import { createPrivateDirectory } from './private-directory.ts';

const pollMs = 500;

/**
 * Makes this process the only broker on a data directory. Throws with pid and host of a holder that is alive; replaces
 * a holder that was killed. If only the last heartbeat speaks for the holder, waits for the next one or for its death.
 */
export async function acquireLock(dataDir: string, log: Log = () => {}): Promise<Claim> {
  createPrivateDirectory(dataDir);
  const file = join(resolve(dataDir), 'broker.lock');
  let beatAt: number | undefined;
  for (;;) {
    const lock = await tryClaim(file, log);
    if ('release' in lock) return lock;
    if (lock.proof !== 'heartbeat' || (beatAt !== undefined && beatAt !== lock.beatAt)) throw refusal(dataDir, lock);
    if (beatAt === undefined) {
      log('warn', 'waiting: the last broker on this data directory ran on another host or before a restart', {
        host: lock.record?.host,
        pid: lock.record?.pid,
        dead_after_seconds: silenceLimitMs / 1000,
      });
    }
    beatAt = lock.beatAt;
    await sleep(pollMs);
  }
}

function refusal(dataDir: string, { record }: Holder): Error {
  return new Error(
    `Another broker, ${describeHolder(record)}, runs on ${dataDir}. Stop it first, or give this one another DATA_DIR.`,
  );
}

function describeHolder(record: Holder['record']): string {
  if (record === null) return 'a process that left no pid';
  const elsewhere = sharesPids(record) ? '' : ' in another container or PID namespace';
  return `process ${record.pid}${elsewhere} on host ${record.host}`;
}
