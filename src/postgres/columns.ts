import {
  AliasNode,
  IdentifierNode,
  type KyselyPlugin,
  type OperationNode,
  type RawBuilder,
  RawNode,
  ReferenceNode,
  type RootOperationNode,
  type Selectable,
  SelectionNode,
  sql,
} from 'kysely';
import type { Tables } from './tables.ts';

// The text of an instant depends on DateStyle and TimeZone, and the text of a double on extra_float_digits. Through a
// pooler, neither a startup parameter nor SET is sure to reach the session that runs a statement. So every statement
// selects instants as bigint and doubles as numeric, whose text depends on nothing. `driver/value-types.ts` reads them.

/** Names of the columns of all tables that hold values of one type. */
type ColumnsOf<Value> = {
  [T in keyof Tables]: {
    [C in keyof Selectable<Tables[T]>]: NonNullable<Selectable<Tables[T]>[C]> extends Value ? C : never;
  }[keyof Selectable<Tables[T]>];
}[keyof Tables];

/** A column name has one type in all tables. */
const instants = new Set<string>(
  Object.keys({
    after_at: true,
    at: true,
    client_secret_refused_at: true,
    confirm_until: true,
    confirmed_at: true,
    created_at: true,
    disabled_at: true,
    enabled_at: true,
    ended_at: true,
    expires_at: true,
    failing_since: true,
    finished_at: true,
    keep_alive_at: true,
    last_accessed_at: true,
    last_health_check_at: true,
    last_refresh_at: true,
    last_seen_at: true,
    last_test_at: true,
    last_used_at: true,
    lease_until: true,
    next_try_at: true,
    obtained_at: true,
    paused_until: true,
    probe_until: true,
    refresh_expires_at: true,
    refresh_started_at: true,
    registered_at: true,
    requested_at: true,
    retry_at: true,
    revoked_at: true,
    sealed_until: true,
    seen_at: true,
    sibling_expires_at: true,
    sibling_retry_at: true,
    started_at: true,
    time: true,
    updated_at: true,
    warned_refresh_expires_at: true,
  } satisfies Record<ColumnsOf<Date>, true>),
);
const doubles = new Set(['lifetime_seconds', 'longest_lifetime_seconds']);

/** Selects an instant in milliseconds since 1970, for statements written by hand. */
export function instantText(expression: string): string {
  return `(extract(epoch from ${expression}) * 1000)::bigint`;
}

/** Selects an instant that is no column, or a column under another name. */
export function instant<T extends Date | null>(expression: RawBuilder<unknown>): RawBuilder<T> {
  return sql<T>`(extract(epoch from ${expression}) * 1000)::bigint`;
}

/** Lists columns for a statement written by hand. `table` is the name or alias that qualifies them. */
export function columnsText(table: string, columns: readonly string[]): string {
  return columns.map((name) => columnText(name, `${table}.${name}`)).join(', ');
}

function columnText(name: string, qualified: string): string {
  if (instants.has(name)) return `${instantText(qualified)} as ${name}`;
  return doubles.has(name) ? `${qualified}::numeric as ${name}` : qualified;
}

/** Converts the columns that a statement of the query builder returns. Leaves statements of the `sql` tag as they are. */
export const readableColumns: KyselyPlugin = {
  transformQuery: ({ node }) => withReadableColumns(node),
  transformResult: async ({ result }) => result,
};

function withReadableColumns(node: RootOperationNode): RootOperationNode {
  if (node.kind === 'SelectQueryNode') {
    const { selections, orderBy } = node;
    if (selections === undefined) return node;
    for (const { orderBy: by } of orderBy?.items ?? []) refuseAmbiguous(by);
    return { ...node, selections: selections.map(readable) };
  }
  if (!('returning' in node) || node.returning === undefined) return node;
  return { ...node, returning: { ...node.returning, selections: node.returning.selections.map(readable) } };
}

/** ORDER BY takes a bare name for the converted column, which no index serves. */
function refuseAmbiguous(node: OperationNode): void {
  const column = columnOf(node);
  if (column !== undefined && column.table === undefined && instants.has(column.name)) {
    throw new TypeError(`order by ${column.name} needs the name of its table`);
  }
}

function readable(selection: SelectionNode): SelectionNode {
  const { selection: selected } = selection;
  const source = AliasNode.is(selected) ? selected.node : selected;
  const column = columnOf(source);
  if (column === undefined) return selection;
  const fragments = conversionOf(column.name);
  if (fragments === undefined) return selection;
  const alias = AliasNode.is(selected) ? selected.alias : IdentifierNode.create(column.name);
  return SelectionNode.create(AliasNode.create(RawNode.create(fragments, [source]), alias));
}

function conversionOf(name: string): [before: string, after: string] | undefined {
  if (instants.has(name)) return ['(extract(epoch from ', ') * 1000)::bigint'];
  return doubles.has(name) ? ['', '::numeric'] : undefined;
}

function columnOf(node: OperationNode): { name: string; table: string | undefined } | undefined {
  if (!ReferenceNode.is(node) || node.column.kind !== 'ColumnNode') return undefined;
  return { name: node.column.column.name, table: node.table?.table.identifier.name };
}
