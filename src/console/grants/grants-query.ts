import { z } from 'zod';
import type { ListFleetGrants } from '../../broker/administration/read-fleet-grants.ts';
import { type StoredGrantStatus, statusReasons } from '../../domain/grants/grant.ts';
import { nextActions } from '../../domain/next-action.ts';
import { optionalChoice, optionalText, organizationField } from '../server/forms.ts';

/** Statuses of a grant itself, without those of a pending authorization. */
export const listedStatuses = ['completed', 'failed', 'not_connected'] as const satisfies StoredGrantStatus[];

const dayMs = 86_400_000;

/** Days ahead of now. More than ten years are a mistake. */
const days = optionalText.refine((text) => text === undefined || (/^\d{1,4}$/.test(text) && Number(text) <= 3650), {
  error: 'must be a whole number of days, at most 3650',
});

/** Filters of the list, as they stand in the address. */
export const grantsQuery = z.object({
  q: optionalText,
  organization: organizationField,
  connection: optionalText,
  provider: optionalText,
  status: optionalChoice(listedStatuses),
  status_reason: optionalChoice(statusReasons),
  next_action: optionalChoice(nextActions),
  expires_within: days,
  refresh_expires_within: days,
  cursor: optionalText,
  /** Time of the first page, in milliseconds: the periods of all pages must begin at the same moment. */
  as_of: optionalText.refine((text) => text === undefined || /^\d{1,14}$/.test(text), 'is not a time'),
});
export type GrantsQuery = z.output<typeof grantsQuery>;

/** Moment at which the periods of the list begin. */
export function momentOf({ as_of, cursor }: GrantsQuery, now: Date): Date {
  return as_of === undefined || cursor === undefined ? now : new Date(Number(as_of));
}

/** Translates the filters of the address for the use case. */
export function selectionOf(query: GrantsQuery, moment: Date): Parameters<ListFleetGrants>[1] {
  const { q, organization, connection, provider, status, status_reason, next_action } = query;
  const expiresBefore = ahead(query.expires_within, moment);
  const refreshExpiresBefore = ahead(query.refresh_expires_within, moment);
  return {
    ...(q && { q }),
    ...(organization && { organizationId: organization }),
    ...(connection && { connectionName: connection }),
    ...(provider && { provider }),
    ...(status && { status }),
    ...(status_reason && { reason: status_reason }),
    ...(next_action && { nextAction: next_action }),
    ...(expiresBefore && { expiresBefore }),
    ...(refreshExpiresBefore && { refreshExpiresBefore }),
  };
}

/** Writes the filters as the query of the API. */
export function apiQueryOf(query: GrantsQuery, moment: Date): Record<string, string | undefined> {
  const { q, organization, connection, provider, status, status_reason, next_action } = query;
  return {
    q,
    organization_id: organization || undefined,
    connection_name: connection,
    provider,
    status,
    status_reason,
    next_action,
    expires_before: ahead(query.expires_within, moment)?.toISOString(),
    refresh_expires_before: ahead(query.refresh_expires_within, moment)?.toISOString(),
  };
}

function ahead(days: string | undefined, moment: Date): Date | undefined {
  return days === undefined ? undefined : new Date(moment.getTime() + Number(days) * dayMs);
}
