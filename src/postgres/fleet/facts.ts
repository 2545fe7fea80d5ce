import { type RawBuilder, sql } from 'kysely';
import type { Scope } from '../../domain/callers/scope.ts';
import { statusReasons } from '../../domain/grants/grant.ts';
import { type NextAction, nextActions } from '../../domain/next-action.ts';
import type { GrantSelection } from '../../domain/ports/fleet.ts';
import type { Segment } from './path.ts';

/** Columns of fleet_grants that lists filter by. */
export type FactColumn = 'owner' | 'connection_name' | 'provider' | 'status' | 'next_action' | 'reason';

/** Values that a selection allows in each column. A column without an entry may hold any value. */
export type Facts = Partial<Record<FactColumn, readonly string[]>>;

/** Values of the columns that order the grants that do not work. */
export const brokenValues: Readonly<Partial<Record<FactColumn, readonly string[]>>> = {
  status: ['failed', 'not_connected'],
  next_action: nextActions.filter((action) => action !== 'none'),
  reason: ['', ...statusReasons],
};

const isBroken = (column: 'status' | 'next_action', value: string) => brokenValues[column]?.includes(value) === true;

/** Owners in the columns of this room: the empty text stands for the global scope. */
export function ownersOf(scope: Scope): readonly string[] | undefined {
  return scope.kind === 'listed' ? scope.owners.map((owner) => owner ?? '') : undefined;
}

/** Returns the allowed values; null if no grant can match. */
export function factsOf(selection: GrantSelection, scope: Scope): Facts | null {
  const { connectionName, provider, status, reason, nextAction } = selection;
  const works = status === 'completed' || nextAction === 'none';
  // A grant works exactly if nothing is to be done, and then it has no reason. Other statuses belong to authorizations.
  if (works && ((nextAction ?? 'none') !== 'none' || (status ?? 'completed') !== 'completed' || reason !== undefined)) {
    return null;
  }
  if (status !== undefined && !works && !isBroken('status', status)) return null;
  const owners = ownersOf(scope);
  return {
    ...(owners && { owner: owners }),
    ...(connectionName !== undefined && { connection_name: [connectionName] }),
    ...(provider !== undefined && { provider: [provider] }),
    ...(works ? { status: ['completed'] } : status !== undefined && { status: [status] }),
    ...(!works && nextAction !== undefined && { next_action: [nextAction satisfies NextAction] }),
    ...(reason !== undefined && { reason: [reason] }),
  };
}

/** Checks whether a selection allows grants that do not work only. Those have indexes of their own. */
export function areBroken({ status, next_action, reason }: Facts): boolean {
  return (
    reason !== undefined || next_action !== undefined || (status?.every((value) => isBroken('status', value)) ?? false)
  );
}

interface SegmentColumn {
  of: RawBuilder<unknown>;
  values: readonly string[];
  /** Writes the value into the statement: only a literal proves that a partial index applies. */
  isLiteral?: boolean;
}

/** Builds the segments of an index whose first columns have these values. */
export function segmentsOf(columns: readonly SegmentColumn[]): Segment[] {
  return columns.reduce<Segment[]>(
    (segments, { of, values, isLiteral = false }) =>
      segments.flatMap(({ key, conditions }) =>
        values.map((value) => ({
          key: [...key, value],
          conditions: [...conditions, sql`${of} = ${isLiteral ? sql.lit(value) : value}`],
        })),
      ),
    [{ key: [], conditions: [] }],
  );
}

/** Joins the row of the other table. The limit keeps it a look-up of single rows: a hash join would read the whole table. */
export function joinGrant(id: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`cross join lateral (
    select expires_at, refresh_expires_at, subject, account_id, account_name from grants where grants.id = ${id} limit 1
  ) as g`;
}

export function joinFacts(id: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`cross join lateral (
    select owner, connection_name, provider, status, next_action, reason from fleet_grants where grant_id = ${id} limit 1
  ) as f`;
}

export function containsText(columns: readonly RawBuilder<unknown>[], text: string): RawBuilder<unknown> {
  const found = columns.map((column) => sql`coalesce(strpos(lower(${column}), lower(${text})) > 0, false)`);
  return sql`(${sql.join(found, sql` or `)})`;
}

/** Conditions on dates and text, which need the grant `g` itself. */
export function conditionsOfGrant({
  expiresBefore,
  refreshExpiresBefore,
  q,
}: Pick<GrantSelection, 'expiresBefore' | 'refreshExpiresBefore' | 'q'>): RawBuilder<unknown>[] {
  return [
    ...(expiresBefore === undefined ? [] : [sql`g.expires_at < ${expiresBefore}::timestamptz`]),
    ...(refreshExpiresBefore === undefined ? [] : [sql`g.refresh_expires_at < ${refreshExpiresBefore}::timestamptz`]),
    ...(q === undefined ? [] : [containsText([sql`g.subject`, sql`g.account_id`, sql`g.account_name`], q)]),
  ];
}

/** Conditions on facts that an index does not serve, on the row `f` of fleet_grants. */
export function conditionsOfFacts(facts: Facts, scope: Scope, served: readonly string[]): RawBuilder<unknown>[] {
  return [
    ...(scope.kind === 'organized' ? [sql`f.owner <> ''`] : []),
    ...Object.entries(facts)
      .filter(([column]) => !served.includes(column))
      .map(([column, values]) => sql`${sql.ref(`f.${column}`)} = any(${values}::text[])`),
  ];
}
