import type { z } from 'zod';
import type { Fault } from '../../domain/errors.ts';
import { nearestName } from './nearest-name.ts';

type RawIssue = z.core.$ZodRawIssue;
type Issue = z.core.$ZodIssue;

/** Message for the author of the request. Undefined keeps the schema's own message. No message repeats a value. */
export function explain(issue: RawIssue): string | undefined {
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined) return 'is required';
    if (Array.isArray(issue.input) && issue.expected === 'string') return 'must be given once, as a string';
    return `must be ${article(issue.expected)}`;
  }
  if (issue.code === 'unrecognized_keys') return 'is not known';
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

/** Unknown names reported for one object. Finding the nearest known name of each costs time. */
const maxUnknownNames = 100;

/**
 * Returns the first fault of each dotted path. `at` is the part of the request (`query`, `header`, `path`); empty for
 * the body. `known` are the names that the part may have.
 */
export function faultsOf(issues: readonly Issue[], at: string, known: readonly string[] = []): Fault[] {
  const prefix = at === '' ? [] : [at];
  const faults = issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' && issue.path.length === 0
      ? unknownNames(issue.keys, prefix, known)
      : faultsOfIssue(issue, prefix),
  );
  return [...Map.groupBy(faults, ({ path }) => path).values()].flatMap((group) => group.slice(0, 1));
}

/** Says the nearest known name: a misspelt optional name would otherwise act as if it was absent. */
function unknownNames(names: readonly string[], prefix: readonly string[], known: readonly string[]): Fault[] {
  return names.slice(0, maxUnknownNames).map((name) => {
    const meant = nearestName(name, known);
    const message = meant === undefined ? 'is not known' : `is not known; did you mean ${meant}?`;
    return { path: dotted([...prefix, name]), message };
  });
}

function faultsOfIssue(issue: Issue, prefix: readonly PropertyKey[]): Fault[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: dotted([...path, key]), message: issue.message }));
  }
  if (issue.code === 'invalid_union') {
    // The caller meant the branch whose outermost type matched. If no branch matched, the fault is at the field itself.
    const meant = issue.errors.find((branch) => branch.length > 0 && branch.every((inner) => inner.path.length > 0));
    if (meant !== undefined) return meant.flatMap((inner) => faultsOfIssue(inner, path));
    const fitting = issue.errors.find((branch) => branch.some((inner) => inner.code !== 'invalid_type'));
    if (fitting !== undefined) return fitting.flatMap((inner) => faultsOfIssue(inner, path));
    return [{ path: dotted(path), message: 'has the wrong type' }];
  }
  return [{ path: dotted(path), message: issue.message }];
}

/** Joins a path with dots. The empty path is the body itself. */
export function dotted(path: readonly PropertyKey[]): string {
  return path.length === 0 ? 'body' : path.map((part) => bounded(String(part))).join('.');
}

/** Limits a part of a path to 100 characters: it can be a name from the request, of any length. */
function bounded(part: string): string {
  return part.length > 100 ? `${part.slice(0, 100)}…` : part.toWellFormed();
}
