import { type RawBuilder, sql } from 'kysely';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import { maxAccountsNamed } from '../../domain/grants/credential.ts';

export const equals = (organizationId: OrganizationId) =>
  organizationId === null ? sql`is null` : sql`= ${organizationId}`;

/**
 * Selects the first grants of an owner without a subject, in the order of the index of slots. Bounds the rows that are
 * read on a connection with very many accounts.
 */
function firstGrants(
  distance: RawBuilder<unknown>,
  applies: RawBuilder<unknown>,
  owned: RawBuilder<unknown>,
): RawBuilder<unknown> {
  return sql`(
    select id, status, status_reason, status_message, created_at, ${distance} as distance from grants
    where ${applies} and connection_id = c.id and ${owned} and subject is null
    order by organization_id, subject, slot_account_id limit ${sql.lit(maxAccountsNamed)})`;
}

const ownedBy = (organizationId: OrganizationId) => sql`organization_id ${equals(organizationId)}`;

/**
 * Joins the grant that serves a fetch without a subject: the organisation's own in whatever state, otherwise the shared
 * one.
 */
function servedGrant(organizationId: OrganizationId): RawBuilder<unknown> {
  const own = firstGrants(sql`0`, sql`true`, ownedBy(organizationId));
  if (organizationId === null) return bestGrant(own);
  const isShared = sql`c.organization_id is null and c.share_with_organizations`;
  return bestGrant(sql`${own} union all ${firstGrants(sql`1`, isShared, ownedBy(null))}`);
}

function bestGrant(candidates: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    left join lateral (
      select id, status, status_reason, status_message from (${candidates}) candidates
      order by distance, status = 'completed' desc, created_at, id limit 1
    ) g on true`;
}

function latestAuthorization(applies: RawBuilder<unknown>, owned: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`(
    select status, status_reason, status_message, outcome_details, error, error_description, created_at,
      expires_at <= now() as expired, confirm_until <= now() as unconfirmed, expires_at + interval '5 minutes' <= now() as abandoned from authorizations
    where ${applies} and connection_id = c.id and ${owned} and subject is null
    order by created_at desc, state_hash limit 1)`;
}

// Derives the status; the first matching case wins. A grant that is completed or failed decides it. Without such a grant,
// a running authorization decides it. A completed authorization without a grant means that the grant was deleted. An
// authorization that an edit voided shows the reason of the edit.
const seen = sql`
  cross join lateral (
    select case
      when g.status <> 'not_connected' then 'grant'
      when a.status = 'pending' and not a.expired then 'waiting'
      when a.status = 'testing' and not a.abandoned then 'testing'
      when a.status = 'awaiting_confirmation' and not a.unconfirmed then 'testing'
      when g.status is not null then 'grant'
      when a.status in ('pending', 'testing', 'awaiting_confirmation') then 'expired'
      when a.status = 'cancelled' then 'cancelled'
      when a.status = 'failed' and a.status_reason = 'configuration_changed' then 'voided'
      when a.status = 'failed' then 'refused'
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
        when 'cancelled' then 'authorization_cancelled' when 'refused' then a.status_reason
        when 'voided' then a.status_reason
      end as reason,
      case s.source
        when 'grant' then g.status_message when 'expired' then 'Nobody finished the authorization in time.'
        when 'cancelled' then 'The authorization was cancelled.' when 'refused' then a.status_message
        when 'voided' then a.status_message
      end as message
  ) v
  left join lateral (
    select a.outcome_details, a.error, a.error_description, a.created_at where s.source in ('refused', 'voided')
  ) f on true`;

/** Joins to the connections `c` the status that an organisation sees. */
export function seenBy(organizationId: OrganizationId): RawBuilder<unknown> {
  const latest = latestAuthorization(sql`true`, ownedBy(organizationId));
  return sql`${servedGrant(organizationId)} left join lateral ${latest} a on true ${seen}`;
}

/**
 * Joins to the connections `c` the status that the owner of each sees. The owner is either null or not: one comparison
 * for both would keep the statement from the indexes.
 */
export const seenByOwner: RawBuilder<unknown> = (() => {
  const isOwned = sql`c.organization_id is not null`;
  const isGlobal = sql`c.organization_id is null`;
  const byOwner = sql`organization_id = c.organization_id`;
  const byNone = sql`organization_id is null`;
  const grants = sql`${firstGrants(sql`0`, isOwned, byOwner)} union all ${firstGrants(sql`0`, isGlobal, byNone)}`;
  return sql`${bestGrant(grants)}
    left join lateral (
      ${latestAuthorization(isOwned, byOwner)} union all ${latestAuthorization(isGlobal, byNone)}
    ) a on true ${seen}`;
})();
