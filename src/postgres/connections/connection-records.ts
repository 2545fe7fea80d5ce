import { type RawBuilder, sql } from 'kysely';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { GrantStatus, StatusReason } from '../../domain/grants/grant.ts';
import type { ConnectionFilter } from '../../domain/ports/connections.ts';
import type { StoredOutcomeDetails } from '../authorizations-table.ts';
import { columnsText, instant } from '../columns.ts';
import type { ConnectionCursor } from './connection-cursor.ts';
import { type ConnectionRow, connectionColumns } from './connection-rows.ts';
import { equals, seenBy, seenByOwner } from './seen-status.ts';

/** A connection as one organisation sees it. */
export interface RecordRow extends ConnectionRow {
  seen_status: GrantStatus;
  seen_reason: StatusReason | null;
  seen_message: string | null;
  /** Columns of the failed authorization that the status comes from; null if it comes from elsewhere. */
  failed_details: StoredOutcomeDetails | null;
  failed_error: string | null;
  failed_error_description: string | null;
  failed_created_at: Date | null;
  served_grant_id: string | null;
  shadowed: boolean;
  total: number;
}

const all = (conditions: RawBuilder<unknown>[]) => sql.join(conditions, sql` and `);

function from(organizationId: OrganizationId): RawBuilder<unknown> {
  return sql`from connections c ${seenBy(organizationId)}`;
}

function isShadowed(organizationId: OrganizationId): RawBuilder<unknown> {
  return organizationId === null
    ? sql`false`
    : sql`c.organization_id is null and exists (
        select from connections o where o.organization_id = ${organizationId} and o.name = c.name)`;
}

function columns(shadowed: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    ${sql.raw(columnsText('c', connectionColumns))}, v.status as seen_status, v.reason as seen_reason, v.message as seen_message,
    f.outcome_details as failed_details, f.error as failed_error, f.error_description as failed_error_description,
    ${instant(sql`f.created_at`)} as failed_created_at, g.id as served_grant_id, ${shadowed} as shadowed`;
}

function visible(organizationId: OrganizationId, includeGlobal: boolean): RawBuilder<unknown> {
  return organizationId !== null && includeGlobal
    ? sql`(c.organization_id = ${organizationId} or c.organization_id is null)`
    : sql`c.organization_id ${equals(organizationId)}`;
}

/** Selects a connection by name: the organisation's own, otherwise the global one if `includeGlobal` is set. */
export function recordByName(
  organizationId: OrganizationId,
  name: string,
  includeGlobal: boolean,
): RawBuilder<RecordRow> {
  return sql<RecordRow>`
    select ${columns(isShadowed(organizationId))}, 1 as total ${from(organizationId)}
    where c.name = ${name} and ${visible(organizationId, includeGlobal)}
    order by c.organization_id nulls last limit 1`;
}

function matching(organizationId: OrganizationId, filter: ConnectionFilter): RawBuilder<unknown>[] {
  const conditions = [visible(organizationId, filter.includeGlobal)];
  if (filter.provider !== undefined) conditions.push(sql`c.provider = ${filter.provider}`);
  if (filter.flow !== undefined) conditions.push(sql`c.flow = ${filter.flow}`);
  if (filter.status !== undefined) conditions.push(sql`v.status = ${filter.status}`);
  if (filter.q !== undefined) {
    conditions.push(
      sql`(strpos(lower(c.name), lower(${filter.q})) > 0 or strpos(lower(c.description), lower(${filter.q})) > 0)`,
    );
  }
  return conditions;
}

/** Counts the matches on all pages. Derives the status only if the filter needs it. */
export function countRecords(organizationId: OrganizationId, filter: ConnectionFilter): RawBuilder<{ total: number }> {
  const source = filter.status === undefined ? sql`from connections c` : from(organizationId);
  return sql<{ total: number }>`select count(*)::int as total ${source} where ${all(matching(organizationId, filter))}`;
}

/** Selects one page in order of name, plus one more row if another page follows. */
export function recordPage(
  organizationId: OrganizationId,
  filter: ConnectionFilter,
  after: ConnectionCursor | undefined,
): RawBuilder<RecordRow> {
  const conditions = matching(organizationId, filter);
  if (after !== undefined) conditions.push(sql`(c.name, c.id) > (${after.name}, ${after.id}::uuid)`);
  return sql<RecordRow>`
    select ${columns(isShadowed(organizationId))}, (${countRecords(organizationId, filter)}) as total ${from(organizationId)}
    where ${all(conditions)}
    order by c.name, c.id limit ${filter.limit + 1}`;
}

/** Selects connections of any organisation, each as its owner sees it. */
export function recordsAsOwner(ids: readonly string[], condition = sql<boolean>`true`): RawBuilder<RecordRow> {
  return sql<RecordRow>`
    select ${columns(sql`false`)}, 1 as total from connections c ${seenByOwner} where c.id = any(${ids}::uuid[]) and ${condition}`;
}
