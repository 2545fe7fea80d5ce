import { readFileSync } from 'node:fs';
import { KeyFailure } from '../domain/ports/keys.ts';

export interface LimitedToken<T> {
  value: T;
  lifetimeMs: number;
}

/** Time in milliseconds before its expiry at which a token is no longer used: the longest call, and a clock that is off. */
const marginMs = 60_000;

/** Keeps a token until shortly before its expiry. Calls at once share one sign-in. */
export function cachedToken<T>(fetch: () => Promise<LimitedToken<T>>): () => Promise<T> {
  let until = 0;
  let current: Promise<T> | undefined;
  return () => {
    if (current !== undefined && performance.now() < until) return current;
    until = Number.POSITIVE_INFINITY;
    const fetched = fetch().then(
      ({ value, lifetimeMs }) => {
        until = performance.now() + lifetimeMs - marginMs;
        return value;
      },
      (error: unknown) => {
        current = undefined;
        throw error;
      },
    );
    current = fetched;
    return fetched;
  };
}

/** Reads a file that an agent writes. One that is not there yet may come: the failure is of kind unreachable. */
export function readTokenFile(variable: string, file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new KeyFailure('unreachable', `the file of ${variable} cannot be read (${code}).`);
  }
  if (text === '') throw new KeyFailure('unreachable', `the file of ${variable} is empty.`);
  // A header cannot carry anything else.
  if (!/^[!-~]+$/.test(text)) throw new KeyFailure('refused', `the file of ${variable} holds no token.`);
  return text;
}

/** Returns the value of a variable, or throws. */
export function required<T>(value: T | null, variables: string): T {
  if (value === null) throw new KeyFailure('refused', `${variables} must be set to use it.`);
  return value;
}
