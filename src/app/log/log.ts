import { type DestinationStream, type Logger, pino } from 'pino';
import { describeError } from './describe-error.ts';
import { scrub } from './scrub.ts';

export type Log = Logger;

/**
 * Writes JSON lines to stdout, or to `destination`. Errors are logged as `{ err: error }`: the serializer here is the
 * only place that describes them.
 */
export function createLog(level: string, destination?: DestinationStream): Log {
  const options: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: (error) => describeError(error) },
    hooks: {
      // Libraries put error messages into `msg`; pino does the same for an error that is logged without a message.
      logMethod([first, message, ...values]: readonly unknown[], method) {
        if (typeof first === 'string') return Reflect.apply(method, this, [scrub(first), message, ...values]);
        const fields = first instanceof Error ? { err: first } : withThrown(first);
        const text = message === undefined && hasError(fields) ? 'error' : message;
        Reflect.apply(method, this, [fields, typeof text === 'string' ? scrub(text) : text, ...values]);
      },
    },
    redact: {
      paths: ['*.authorization', '*.cookie', '*.access_token', '*.refresh_token', '*.client_secret', '*.password'],
      censor: '[secret]',
    },
  };
  return pino(options, destination ?? standardOutput());
}

/** Writing fails when the terminal or the reader of a pipe is gone. The process must still close in order. */
function standardOutput(): DestinationStream {
  const output = pino.destination({ dest: 1 });
  const ignore = () => true;
  output.on(
    'error',
    () => void Object.assign(output, { write: ignore, flush: ignore, flushSync: ignore, end: ignore }),
  );
  return output;
}

/** pino leaves out members that are undefined, and any value can be thrown. */
function withThrown(fields: unknown): unknown {
  return hasError(fields) && fields.err === undefined ? { ...fields, err: null } : fields;
}

function hasError(fields: unknown): fields is { err: unknown } {
  return typeof fields === 'object' && fields !== null && 'err' in fields;
}
