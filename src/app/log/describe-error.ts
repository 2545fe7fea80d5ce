import { types } from 'node:util';
import { scrub } from './scrub.ts';

/** Characters. Longer messages are usually a quoted body. */
const maxMessage = 300;
/** Causes below the first error. Also ends chains that form a cycle. */
const maxDepth = 4;
const maxErrors = 5;
const maxFrames = 12;

export interface DescribedError {
  name: string;
  code?: string;
  message: string;
  /** Stack frames, innermost first. */
  at?: string[];
  /** Errors of an AggregateError. */
  errors?: DescribedError[];
  cause?: DescribedError;
}

/**
 * Selects the parts of an error that may be logged. Members are chosen, never copied: libraries attach requests,
 * commands and whole bodies to their errors. Only the logger's serializer calls this; callers log the error itself.
 */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!isError(error)) return describeNonError(error);
  const described: DescribedError = { name: wordOf(error.name) ?? 'Error', message: messageOf(error) };
  const code = 'code' in error ? wordOf(error.code) : undefined;
  if (code !== undefined) described.code = code;
  const at = framesOf(error);
  if (at.length > 0) described.at = at;
  if (depth >= maxDepth) return described;
  if ('errors' in error && Array.isArray(error.errors)) {
    described.errors = error.errors.slice(0, maxErrors).map((one) => describeError(one, depth + 1));
  }
  if (error.cause !== undefined) described.cause = describeError(error.cause, depth + 1);
  return described;
}

/** Accepts errors of other realms too; `instanceof` does not. */
function isError(value: unknown): value is Error {
  return value instanceof Error || types.isNativeError(value);
}

function describeNonError(thrown: unknown): DescribedError {
  if (typeof thrown === 'string') return { name: 'NonError', message: cut(thrown) };
  if (typeof thrown !== 'object' || thrown === null) {
    return { name: 'NonError', message: `${thrown === null ? 'no value' : `a ${typeof thrown}`} was thrown` };
  }
  const code = 'code' in thrown ? wordOf(thrown.code) : undefined;
  const message =
    'message' in thrown && typeof thrown.message === 'string' ? cut(thrown.message) : 'an object was thrown';
  return { name: 'NonError', ...(code !== undefined && { code }), message };
}

/** Names and codes are single words. Any other text in their place may hold anything and is left out. */
function wordOf(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.-]{1,100}$/.test(value) ? value : undefined;
}

function messageOf(error: Error): string {
  // V8 quotes the text that could not be parsed, and that may be a token.
  if (error.name === 'SyntaxError') return 'omitted: it may quote the text that could not be parsed';
  return cut(String(error.message));
}

/** Scrubs first: a secret cut in half would no longer match its pattern. */
function cut(text: string): string {
  return scrub(text).slice(0, maxMessage);
}

/** Stack frames without the message, which comes first in a stack and may hold lines that look like frames. */
function framesOf({ stack, message }: Error): string[] {
  if (typeof stack !== 'string') return [];
  const start = stack.indexOf(message);
  const frames = start < 0 ? stack : stack.slice(start + message.length);
  return frames
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, maxFrames)
    .map((line) => scrub(line.trim()));
}
