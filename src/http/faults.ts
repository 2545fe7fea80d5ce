import type { z } from 'zod';
import type { Fault } from '../domain/errors.ts';

type RawIssue = z.core.$ZodRawIssue;
type Issue = z.core.$ZodIssue;

/** Messages for people who wrote the request. Undefined leaves the schema's own message; no message repeats a value. */
export function explain(issue: RawIssue): string | undefined {
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined) return 'is required';
    if (Array.isArray(issue.input) && issue.expected === 'string') return 'must be given once, as a string';
    return `must be ${article(issue.expected)}`;
  }
  if (issue.code === 'unrecognized_keys') return 'is not a known field';
  if (issue.code === 'too_small')
    return issue.minimum === 1 ? 'must not be empty' : `must be at least ${issue.minimum}`;
  if (issue.code === 'too_big') {
    return issue.origin === 'string'
      ? `must have at most ${issue.maximum} characters`
      : issue.origin === 'array'
        ? `must have at most ${issue.maximum} entries`
        : `must be at most ${issue.maximum}`;
  }
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'invalid_key') return 'is not a valid name';
  return undefined;
}

function article(expected: string): string {
  if (expected === 'object' || expected === 'record') return 'an object';
  return /^[aeiou]/.test(expected) ? `an ${expected}` : `a ${expected}`;
}

/** The first fault of every dotted path that has any. `at` is where the value was found (`query`, `header`, `path`); empty for the body. */
export function faultsOf(issues: readonly Issue[], at: string): Fault[] {
  const faults = issues.flatMap((issue) => faultsOfIssue(issue, at === '' ? [] : [at]));
  return [...Map.groupBy(faults, ({ path }) => path).values()].flatMap((group) => group.slice(0, 1));
}

function faultsOfIssue(issue: Issue, prefix: readonly PropertyKey[]): Fault[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: dotted([...path, key]), message: issue.message }));
  }
  if (issue.code === 'invalid_union') {
    // The branch that got past the outermost type is the one that was meant; where none did, say so at the field itself.
    const meant = issue.errors.find((branch) => branch.length > 0 && branch.every((inner) => inner.path.length > 0));
    if (meant !== undefined) return meant.flatMap((inner) => faultsOfIssue(inner, path));
    const fitting = issue.errors.find((branch) => branch.some((inner) => inner.code !== 'invalid_type'));
    if (fitting !== undefined) return fitting.flatMap((inner) => faultsOfIssue(inner, path));
    return [{ path: dotted(path), message: 'has the wrong type' }];
  }
  return [{ path: dotted(path), message: issue.message }];
}

/** The body itself, where there is no member to name. */
function dotted(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'body' : path.map((part) => bounded(String(part))).join('.');
}

/** A path repeats names out of the request: they may not be as long as they like. */
function bounded(part: string): string {
  return part.length > 100 ? `${part.slice(0, 100)}…` : part.toWellFormed();
}
