import { type Logger, pino } from 'pino';
import { describeError } from '../http/error-log.ts';

export type Log = Logger;

/** JSON lines on stdout. Members of errors are chosen, never copied: libraries hang whole requests and bodies on theirs. */
export function createLog(level: string): Log {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: {
      err: (error) => describeError(error),
      error: (error) => (error instanceof Error ? describeError(error) : error),
    },
    redact: {
      paths: ['*.authorization', '*.cookie', '*.access_token', '*.refresh_token', '*.client_secret', '*.password'],
      censor: '[secret]',
    },
  });
}
