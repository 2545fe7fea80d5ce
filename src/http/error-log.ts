import { isBrokerError } from '../domain/errors.ts';
import { ProviderFailure } from '../domain/provider-failure.ts';

const maxMessage = 300;
const maxDepth = 4;

export interface DescribedError {
  name: string;
  code?: string;
  message?: string;
  at?: string[];
  cause?: DescribedError;
}

/**
 * What of an error may be logged. Libraries hang requests, responses and whole bodies on their errors, so members are
 * chosen, never copied.
 */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { name: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? error.code.slice(0, 100) : undefined;
  const message = isSafe(error) ? error.message.slice(0, maxMessage) : undefined;
  return {
    name: error.name,
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
    ...framesOf(error),
    ...(error.cause === undefined || depth >= maxDepth ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}

/** V8 quotes the text it could not parse in a SyntaxError: that may be a token. */
function isSafe(error: Error): boolean {
  return isBrokerError(error) || error instanceof ProviderFailure || !(error instanceof SyntaxError);
}

function framesOf(error: Error): { at?: string[] } {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return frames.length === 0 ? {} : { at: frames.slice(0, 12).map((line) => line.trim()) };
}
