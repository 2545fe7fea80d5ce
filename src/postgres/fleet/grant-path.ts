import { type RawBuilder, sql } from 'kysely';
import type { Scope } from '../../domain/callers/scope.ts';
import type { GrantSelection } from '../../domain/ports/fleet.ts';
import {
  areBroken,
  brokenValues,
  conditionsOfFacts,
  conditionsOfGrant,
  type FactColumn,
  type Facts,
  joinFacts,
  joinGrant,
  segmentsOf,
} from './facts.ts';
import type { Path, Residual } from './path.ts';

const column = (name: string): RawBuilder<unknown> => sql.ref(`item.${name}`);

/** Reads fleet_grants, by the index whose first columns have values. */
export function pathOfFacts(facts: Facts, selection: GrantSelection, scope: Scope): Path {
  const columns = areBroken(facts) ? brokenColumns(facts) : columnsOf(facts);
  const served = columns.slice(0, servedColumns(columns, facts));
  return {
    name: 'facts',
    table: sql`fleet_grants as item`,
    id: column('grant_id'),
    segments: segmentsOf(
      served.map((name) => ({
        of: column(name),
        values: facts[name] ?? brokenValues[name] ?? [],
        isLiteral: name === 'status',
      })),
    ),
    order: columns.slice(served.length).map((name) => ({ expression: column(name), isInstant: false })),
    residual: residualOf(column('grant_id'), conditionsOfFacts(facts, scope, served), conditionsOfGrant(selection)),
  };
}

/** Columns of the index of all grants: that of the owner first, because most callers have few. */
function columnsOf({ owner, connection_name, provider }: Facts): FactColumn[] {
  if (connection_name !== undefined) return ['connection_name', 'owner'];
  if (owner !== undefined) return ['owner', 'provider', 'connection_name'];
  return provider === undefined ? [] : ['provider'];
}

function brokenColumns({ owner, connection_name, provider }: Facts): FactColumn[] {
  const state: FactColumn[] = ['status', 'next_action', 'reason'];
  if (owner !== undefined) return ['owner', ...state];
  if (connection_name !== undefined) return ['connection_name', ...state];
  return provider === undefined ? state : ['provider', ...state];
}

/**
 * Returns how many columns of the index have one value in each segment: up to the last one with a filter. A column before
 * it that has none takes each of its few values.
 */
function servedColumns(columns: readonly FactColumn[], facts: Facts): number {
  const free = columns.findIndex((name) => facts[name] === undefined && brokenValues[name] === undefined);
  const usable = free < 0 ? columns : columns.slice(0, free);
  return usable.findLastIndex((name) => facts[name] !== undefined) + 1;
}

function residualOf(
  id: RawBuilder<unknown>,
  ofFacts: readonly RawBuilder<unknown>[],
  ofGrant: readonly RawBuilder<unknown>[],
): Residual {
  return {
    joins: [...(ofFacts.length === 0 ? [] : [joinFacts(id)]), ...(ofGrant.length === 0 ? [] : [joinGrant(id)])],
    conditions: [...ofFacts, ...ofGrant],
  };
}

export type DateColumn = 'expires_at' | 'refresh_expires_at';

/** Grants that the indexes of the sweep hold, and those that they leave out. Literals: the indexes are partial. */
const refreshed = sql`item.status = 'completed' and item.refreshable`;
const others = sql`(item.status <> 'completed' or not item.refreshable)`;

/** Reads the grants in order of a date. */
export function pathOfDate(
  name: DateColumn,
  before: Date,
  facts: Facts,
  selection: GrantSelection,
  scope: Scope,
): Path {
  const { [name === 'expires_at' ? 'expiresBefore' : 'refreshExpiresBefore']: _served, ...rest } = selection;
  const date = column(name);
  const range = [sql`${date} is not null`, sql`${date} < ${before}::timestamptz`];
  return {
    name,
    table: sql`grants as item`,
    id: column('id'),
    segments: [
      { key: ['others'], conditions: [...range, others] },
      { key: ['refreshed'], conditions: [...range, refreshed] },
    ],
    order: [{ expression: date, isInstant: true }],
    residual: residualOf(column('id'), conditionsOfFacts(facts, scope, []), conditionsOfGrant(rest)),
  };
}
