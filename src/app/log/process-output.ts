import process from 'node:process';
import type { Log } from './log.ts';
import { scrub } from './scrub.ts';

const consoleMethods = {
  error: 'error',
  warn: 'warn',
  info: 'info',
  log: 'info',
  debug: 'debug',
  trace: 'debug',
} as const;

/**
 * Sends everything else that a process prints through its log: console output of libraries, warnings of Node and errors
 * that nothing catches. Replaces global handlers, so only the process itself may call it, once.
 */
export function logProcessOutput(log: Log): void {
  logConsole(log);
  // Node's own listener prints to stderr.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn({ err: warning }, 'process warning'));
  // Receives unhandled rejections too. Node's own report would print every member of the error.
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught error');
    process.exit(1);
  });
}

/**
 * Replaces the methods of the console. Two libraries print with no option to redirect it. ioredis reports a password
 * that Redis does not require, and errors of a client that BullMQ has already closed. BullMQ reports the version and
 * eviction policy of Redis; its skipVersionCheck would also switch off features that depend on the version.
 */
function logConsole(log: Log): void {
  let last: string | undefined;
  for (const [method, level] of Object.entries(consoleMethods)) {
    Reflect.set(console, method, (...values: unknown[]) => {
      // Only texts and errors are logged: any other value may hold a secret.
      const text = scrub(values.filter((value) => typeof value === 'string').join(' '));
      const error = values.find((value) => value instanceof Error);
      // BullMQ repeats a note for each of its connections.
      if (text === last && error === undefined) return;
      last = text;
      log[level]({ text, ...(error !== undefined && { err: error }) }, 'library output');
    });
  }
}
