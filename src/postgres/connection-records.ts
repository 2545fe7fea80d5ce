import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { OrganizationId } from '../domain/connection.ts';
import type { GrantStatus, StatusReason } from '../domain/grant.ts';
import type { ConnectionFilter } from '../domain/ports/stores.ts';
import type { ConnectionCursor } from './connection-cursor.ts';
import type { ConnectionsTable } from './tables.ts';

/** A connection with what it looks like to one organisation. */
export interface RecordRow extends Selectable<ConnectionsTable> {
  seen_status: GrantStatus;
  seen_reason: StatusReason | null;
  seen_message: string | null;
  served_grant_id: string | null;
  shadowed: boolean;
  total: number;
}

const equals = (organizationId: OrganizationId) => (organizationId === null ? sql`is null` : sql`= ${organizationId}`);
const all = (conditions: RawBuilder<unknown>[]) => sql.join(conditions, sql` and `);

/** The grant a fetch without subject would be served from: the organisation's own, whatever its state, else the shared one. */
function servedGrant(organizationId: OrganizationId): RawBuilder<unknown> {
  const shared = sql`
    union all
    select id, status, status_reason, status_message, created_at, 1 from grants
    where c.organization_id is null and c.share_with_organizations
      and connection_id = c.id and organization_id is null and subject is null`;
  return sql`
    left join lateral (
      select * from (
        select id, status, status_reason, status_message, created_at, 0 as distance from grants
        where connection_id = c.id and organization_id ${equals(organizationId)} and subject is null
        ${organizationId === null ? sql`` : shared}
      ) candidates
      order by distance, status = 'completed' desc, created_at, id limit 1
    ) g on true`;
}

function latestTrip(organizationId: OrganizationId): RawBuilder<unknown> {
  return sql`
    left join lateral (
      select status, status_reason, status_message, expires_at <= now() as expired from authorizations
      where connection_id = c.id and organization_id ${equals(organizationId)} and subject is null
      order by created_at desc, state_hash limit 1
    ) t on true`;
}

// First match wins. A grant that works or failed speaks for itself; one without tokens lets a trip under way speak. A
// trip that ended well and left no grant is of a grant that was deleted; one that an edit voided says no more than the edit.
const seen = sql`
  cross join lateral (
    select case
      when g.status <> 'not_connected' then 'grant'
      when t.status = 'pending' and not t.expired then 'waiting'
      when t.status = 'testing' and not t.expired then 'testing'
      when g.status is not null then 'grant'
      when t.status in ('pending', 'testing') then 'expired'
      when t.status = 'cancelled' then 'cancelled'
      when t.status = 'failed' and t.status_reason = 'configuration_changed' then 'voided'
      when t.status = 'failed' then 'refused'
      else 'nothing'
    end as source
  ) s
  cross join lateral (
    select
      case s.source
        when 'grant' then g.status when 'waiting' then 'waiting_callback' when 'testing' then 'testing'
        when 'voided' then 'not_connected' when 'nothing' then 'not_connected' else 'failed'
      end as status,
      case s.source
        when 'grant' then g.status_reason when 'expired' then 'authorization_expired'
        when 'cancelled' then 'authorization_cancelled' when 'refused' then t.status_reason
        when 'voided' then t.status_reason
      end as reason,
      case s.source
        when 'grant' then g.status_message when 'expired' then 'Nobody finished the authorization in time.'
        when 'cancelled' then 'The authorization was cancelled.' when 'refused' then t.status_message
        when 'voided' then t.status_message
      end as message
  ) v`;

function from(organizationId: OrganizationId): RawBuilder<unknown> {
  return sql`from connections c ${servedGrant(organizationId)} ${latestTrip(organizationId)} ${seen}`;
}

function columns(organizationId: OrganizationId): RawBuilder<unknown> {
  const shadowed =
    organizationId === null
      ? sql`false`
      : sql`c.organization_id is null and exists (
          select from connections o where o.organization_id = ${organizationId} and o.name = c.name)`;
  return sql`
    c.*, v.status as seen_status, v.reason as seen_reason, v.message as seen_message,
    g.id as served_grant_id, ${shadowed} as shadowed`;
}

function visible(organizationId: OrganizationId, includeGlobal: boolean): RawBuilder<unknown> {
  return organizationId !== null && includeGlobal
    ? sql`(c.organization_id = ${organizationId} or c.organization_id is null)`
    : sql`c.organization_id ${equals(organizationId)}`;
}

/** By name: the organisation's own, else, where asked for, the global one. */
export function recordByName(
  organizationId: OrganizationId,
  name: string,
  includeGlobal: boolean,
): RawBuilder<RecordRow> {
  return sql<RecordRow>`
    select ${columns(organizationId)}, 1 as total ${from(organizationId)}
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

/** How many match, on whatever page. The status is only worked out where it is asked for. */
export function countRecords(organizationId: OrganizationId, filter: ConnectionFilter): RawBuilder<{ total: number }> {
  const source = filter.status === undefined ? sql`from connections c` : from(organizationId);
  return sql<{ total: number }>`select count(*)::int as total ${source} where ${all(matching(organizationId, filter))}`;
}

/** One page in order of name, one row longer than the limit where there is another page. */
export function recordPage(
  organizationId: OrganizationId,
  filter: ConnectionFilter,
  after: ConnectionCursor | undefined,
): RawBuilder<RecordRow> {
  const conditions = matching(organizationId, filter);
  if (after !== undefined) conditions.push(sql`(c.name, c.id) > (${after.name}, ${after.id}::uuid)`);
  return sql<RecordRow>`
    select ${columns(organizationId)}, (${countRecords(organizationId, filter)}) as total ${from(organizationId)}
    where ${all(conditions)}
    order by c.name, c.id limit ${filter.limit + 1}`;
}
