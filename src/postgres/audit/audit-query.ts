import { type RawBuilder, sql } from 'kysely';
import type { StoredAuditEvent } from '../../domain/audit.ts';
import type { Scope } from '../../domain/callers/scope.ts';
import type { AuditFilter } from '../../domain/ports/audit.ts';
import { instant } from '../columns.ts';
import type { TimeCursor } from '../driver/cursor.ts';
import { isUuid } from '../driver/uuid.ts';

/** Part of the events to read, newest first. */
export interface AuditQuery {
  filter: AuditFilter;
  scope: Scope;
  limit: number;
  /** Reads only events that come after it in the order of reading, which are older. */
  after?: TimeCursor | undefined;
  /** Snapshot of an export. */
  seenIn?: Snapshot | undefined;
}

/** The transactions that were committed when an export began, as pg_current_snapshot writes them. */
export interface Snapshot {
  text: string;
  at: Date;
}

/** Names the table: a bare name would be the converted column of the result, which no index serves. */
const order = sql`order by audit_events.time desc, audit_events.id desc`;

const columns = sql`id::text as id, ${instant(sql`time`)} as time, actor, action, organization_id as "organizationId",
  connection_id as "connectionId", connection_name as "connectionName", grant_id as "grantId", outcome, details,
  request_id as "requestId", address`;

/** The columns that `columns` converts. */
const stored = sql`id, time, actor, action, organization_id, connection_id, connection_name, grant_id, outcome, details,
  request_id, address`;
/** The same columns of a page of one owner. Their names are those of `stored`, in its order. */
const paged = sql`page.id, page.time, page.actor, page.action, page.organization_id, page.connection_id,
  page.connection_name, page.grant_id, page.outcome, page.details, page.request_id, page.address`;

/** Builds the statement. Null if no event can match. */
export function auditQuery({ filter, scope, limit, ...position }: AuditQuery): RawBuilder<StoredAuditEvent> | null {
  if (filter.grantId !== undefined && !isUuid(filter.grantId)) return null;
  const conditions = [...conditionsOf(filter), ...conditionsOfPosition(position)];
  if (scope.kind !== 'listed') {
    if (scope.kind === 'organized') conditions.push(sql`organization_id is not null`);
    return select(conditions, limit);
  }
  const [first, ...others] = scope.owners;
  if (first === undefined) return null;
  if (others.length === 0) return select([...conditions, ownedBy(first)], limit);
  return selectOfOwners(scope.owners, conditions, limit);
}

function select(conditions: readonly RawBuilder<unknown>[], limit: number): RawBuilder<StoredAuditEvent> {
  return sql<StoredAuditEvent>`select ${columns} from audit_events ${whereAll(conditions)} ${order} limit ${limit}`;
}

/** Takes a page of each owner from the owner's index: a filter over all events would read those of all others too. */
function selectOfOwners(
  owners: readonly (string | null)[],
  conditions: readonly RawBuilder<unknown>[],
  limit: number,
): RawBuilder<StoredAuditEvent> {
  const named = owners.filter((owner) => owner !== null);
  const pageOf = (owned: RawBuilder<unknown>) =>
    sql`(select ${stored} from audit_events ${whereAll([...conditions, owned])} ${order} limit ${limit})`;
  const ofNamed = sql`
    select ${paged} from unnest(${named}::text[]) as owner (name),
      lateral ${pageOf(sql`organization_id = owner.name`)} as page`;
  const pages = owners.includes(null) ? sql`${ofNamed} union all ${pageOf(ownedBy(null))}` : ofNamed;
  return sql<StoredAuditEvent>`select ${columns} from (${pages}) as events order by events.time desc, events.id desc limit ${limit}`;
}

function ownedBy(owner: string | null): RawBuilder<unknown> {
  return owner === null ? sql`organization_id is null` : sql`organization_id = ${owner}`;
}

function whereAll(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`;
}

function conditionsOf({
  actor,
  action,
  connectionName,
  grantId,
  outcome,
  from,
  to,
}: AuditFilter): RawBuilder<unknown>[] {
  return [
    ...(actor === undefined ? [] : [sql`actor = ${actor}`]),
    ...(action === undefined ? [] : [sql`action = ${action}`]),
    ...(connectionName === undefined ? [] : [sql`connection_name = ${connectionName}`]),
    ...(grantId === undefined ? [] : [sql`grant_id = ${grantId}::uuid`]),
    // A literal: the partial index of failures serves no parameter.
    ...(outcome === undefined ? [] : [sql`outcome = ${sql.lit(outcome)}`]),
    ...(from === undefined ? [] : [sql`time >= ${from}::timestamptz`]),
    ...(to === undefined ? [] : [sql`time < ${to}::timestamptz`]),
  ];
}

function conditionsOfPosition({ after, seenIn }: Pick<AuditQuery, 'after' | 'seenIn'>): RawBuilder<unknown>[] {
  return [
    // The first condition lets the planner leave out partitions; it does not derive that from the second one.
    ...(after === undefined
      ? []
      : [sql`time <= ${after.at}::timestamptz`, sql`(time, id) < (${after.at}::timestamptz, ${after.id}::bigint)`]),
    ...(seenIn === undefined ? [] : [wasCommittedIn(seenIn)]),
  ];
}

/**
 * True for an event whose transaction had ended when the export began. Time and id cannot tell: both are set before the
 * commit. A restored event may carry any number of the server it came from. One that is not below the present numbers
 * is from elsewhere, and so is every event older than a day: no transaction stays open that long.
 */
function wasCommittedIn({ text, at }: Snapshot): RawBuilder<unknown> {
  return sql`(transaction_id is null or pg_visible_in_snapshot(transaction_id, ${text}::pg_snapshot)
    or transaction_id >= pg_snapshot_xmax(pg_current_snapshot()) or time < ${at}::timestamptz - interval '1 day')`;
}
