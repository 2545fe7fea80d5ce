import { constants } from 'node:os';
import process from 'node:process';
import type { Log } from '../log/log.ts';

/** Below the 30 seconds after which orchestrators send SIGKILL, so that the log still says that time ran out. */
const closeWithinMs = 29_000;
/**
 * Milliseconds within which a signal that is received again counts once. A terminal sends Ctrl-C to the whole process
 * group, and npm, as the parent, forwards it again. Longer than npm needs on a busy machine; within a second signal of
 * a person it would be taken for the first.
 */
const repeatedWithinMs = 500;

const endingSignals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
type EndingSignal = (typeof endingSignals)[number];

/** The end of a process that a signal asks for. */
export interface Ending {
  /** Aborts at the first signal. */
  signal: AbortSignal;
  /** Sets what closes the process. Runs it at once if a signal was received before. */
  closeWith(close: () => Promise<void>): void;
}

/**
 * Receives signals from now on. The first SIGTERM, SIGINT or SIGHUP closes the process in order; a further SIGTERM or
 * SIGINT ends it at once with 128 and the number of the signal.
 */
export function endOnSignals(log: Log): Ending {
  const controller = new AbortController();
  let close: (() => Promise<void>) | undefined;

  function finish(work: () => Promise<void>): void {
    work().then(
      () => {
        log.info('closed');
        // BullMQ leaves timers that keep the process alive if it loses its server while it closes.
        process.exit(0);
      },
      (error) => {
        log.error({ err: error }, 'closing failed');
        process.exit(1);
      },
    );
  }

  function begin(signal: EndingSignal): void {
    log.info({ signal }, 'closing');
    setTimeout(() => {
      log.error({ limit_ms: closeWithinMs }, 'closing timed out');
      process.exit(1);
    }, closeWithinMs);
    controller.abort();
    if (close !== undefined) finish(close);
  }

  onSignals({
    first: begin,
    second: (signal) => {
      log.warn({ signal }, 'closing abandoned');
      exitBy(signal);
    },
  });
  return {
    signal: controller.signal,
    closeWith: (work) => {
      close = work;
      if (controller.signal.aborted) finish(work);
    },
  };
}

/** Ends the process at its first signal, with 128 and the number of the signal. Listeners of its exit still run. */
export function exitOnSignals(): void {
  onSignals({ first: exitBy, second: exitBy });
}

function exitBy(signal: EndingSignal): never {
  process.exit(128 + constants.signals[signal]);
}

function onSignals(handlers: Record<'first' | 'second', (signal: EndingSignal) => void>): void {
  const countsAsSecond = createSignalCounter();
  let hasBegun = false;
  for (const signal of endingSignals) {
    process.on(signal, () => {
      const isSecond = countsAsSecond(signal, performance.now());
      if (!hasBegun) {
        hasBegun = true;
        handlers.first(signal);
      } else if (isSecond) handlers.second(signal);
    });
  }
}

/**
 * Returns whether a signal is one more request to end. SIGHUP never is: systemd sends it right after SIGTERM, and a
 * terminal that closes sends it during a shutdown.
 */
export function createSignalCounter(): (signal: EndingSignal, at: number) => boolean {
  let counted: { signal: EndingSignal; at: number } | undefined;
  return (signal, at) => {
    const isRepeated =
      counted !== undefined &&
      (counted.signal === signal || counted.signal === 'SIGHUP') &&
      at - counted.at < repeatedWithinMs;
    const isFirst = counted === undefined;
    if (isFirst) counted = { signal, at };
    return !isFirst && !isRepeated && signal !== 'SIGHUP';
  };
}
