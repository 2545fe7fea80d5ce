import type { Reach } from './caller.ts';

/**
 * Organisations whose rows a read may return, in the form that an index serves.
 * - all: every row.
 * - organized: the rows of every organisation, without those of the global scope.
 * - listed: the rows of these organisations; null stands for the global scope.
 */
export type Scope = { kind: 'all' } | { kind: 'organized' } | { kind: 'listed'; owners: (string | null)[] };

/** Intersects the caller's reach with the organisation that the filter names. */
export function scopeOf({ organizations, global }: Reach, named: string | undefined): Scope {
  if (named !== undefined) {
    return { kind: 'listed', owners: organizations === '*' || organizations.includes(named) ? [named] : [] };
  }
  if (organizations === '*') return { kind: global ? 'all' : 'organized' };
  return { kind: 'listed', owners: [...new Set(organizations), ...(global ? [null] : [])] };
}
