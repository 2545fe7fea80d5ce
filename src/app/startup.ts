import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type BrokerError, isBrokerError } from '../domain/errors.ts';

export type StartupStep = () => Promise<void>;

const firstPauseMs = 100;
const longestPauseMs = 5_000;

/** Interval of the log line while the reason stays the same, in milliseconds. */
const repeatLogMs = 60_000;

export interface StartupWatch {
  log: Pick<Logger, 'warn'>;
  /** Receives the reason why the start waits, and null once it is over. */
  onWaiting: (reason: string | null) => void;
  signal: AbortSignal;
}

/**
 * Runs the steps in order. Repeats a step without limit while it fails with service_unavailable: a server is not up
 * yet. Any other error needs the operator and ends the start.
 */
export async function startUp(steps: readonly StartupStep[], { log, onWaiting, signal }: StartupWatch): Promise<void> {
  const report = createReport(log, onWaiting);
  for (const step of steps) await untilItSucceeds(step, report, signal);
  onWaiting(null);
}

type Report = (error: BrokerError) => void;

/** Logs a reason when it changes, and once a minute while it lasts: attempts are much more frequent. */
function createReport(log: StartupWatch['log'], onWaiting: StartupWatch['onWaiting']): Report {
  let logged: { reason: string; at: number } | undefined;
  return (error) => {
    const { message: reason } = error;
    onWaiting(reason);
    const now = performance.now();
    if (logged?.reason === reason && now - logged.at < repeatLogMs) return;
    logged = { reason, at: now };
    log.warn({ reason, err: error }, 'not ready yet');
  };
}

async function untilItSucceeds(step: StartupStep, report: Report, signal: AbortSignal): Promise<void> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    signal.throwIfAborted();
    try {
      return await step();
    } catch (error) {
      if (!isBrokerError(error, 'service_unavailable')) throw error;
      report(error);
    }
    await sleep(pauseMs, undefined, { signal });
  }
}
