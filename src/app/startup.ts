import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { isBrokerError } from '../domain/errors.ts';

export type StartupStep = () => Promise<void>;

const firstPauseMs = 100;
const longestPauseMs = 5_000;

/**
 * Runs the steps in order, each until it succeeds: while something it needs is away (service_unavailable) it is tried
 * again, for as long as it takes. Any other error is for the operator and ends the start.
 */
export async function startUp(steps: readonly StartupStep[], log: Logger, signal: AbortSignal): Promise<void> {
  for (const step of steps) await untilItSucceeds(step, log, signal);
}

async function untilItSucceeds(step: StartupStep, log: Logger, signal: AbortSignal): Promise<void> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    signal.throwIfAborted();
    try {
      return await step();
    } catch (error) {
      if (!isBrokerError(error, 'service_unavailable')) throw error;
      log.warn({ reason: error.message }, 'not ready yet');
    }
    await sleep(pauseMs, undefined, { signal });
  }
}
