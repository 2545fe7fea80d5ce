import { z } from 'zod';
import type { AuditSelection } from '../../broker/administration/list-audit-events.ts';
import { auditActions, auditOutcomes } from '../../domain/audit.ts';
import { optionalChoice, optionalText, organizationField } from '../server/forms.ts';

const utcPattern = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?)?Z?$/;

/** A time in UTC, as the field of a browser or an ISO 8601 text writes it. A day alone is its first moment. */
export function readUtc(text: string): Date | undefined {
  if (!utcPattern.test(text)) return undefined;
  const bare = text.replace(/Z$/, '');
  const date = new Date(`${bare.includes('T') ? bare : `${bare}T00:00`}Z`);
  // Date rolls 30 February over to March.
  const isReal =
    !Number.isNaN(date.getTime()) && date.getTime() >= 0 && date.toISOString().startsWith(bare.slice(0, 10));
  return isReal ? date : undefined;
}

const utcTime = optionalText.refine((text) => text === undefined || readUtc(text) !== undefined, {
  error: 'must be a time in UTC since 1970, such as 2030-01-31T12:00',
});

/** Filters of the audit trail, as they stand in the address. */
export const auditFilters = z.object({
  actor: optionalText,
  action: optionalChoice(auditActions),
  organization: organizationField,
  connection: optionalText,
  grant: optionalText,
  outcome: optionalChoice(auditOutcomes),
  from: utcTime,
  to: utcTime,
});
export type AuditFilters = z.output<typeof auditFilters>;

export const auditQuery = auditFilters.extend({ cursor: optionalText });

/** Translates the filters of the address for the use cases. */
export function selectionOf(filters: AuditFilters): AuditSelection {
  const { actor, action, organization, connection, grant, outcome } = filters;
  const from = filters.from === undefined ? undefined : readUtc(filters.from);
  const to = filters.to === undefined ? undefined : readUtc(filters.to);
  return {
    ...(actor && { actor }),
    ...(action && { action }),
    ...(organization && { organizationId: organization }),
    ...(connection && { connectionName: connection }),
    ...(grant && { grantId: grant }),
    ...(outcome && { outcome }),
    ...(from && { from }),
    ...(to && { to }),
  };
}

/** Writes the filters as the query of the API. */
export function apiQueryOf(filters: AuditFilters): Record<string, string | undefined> {
  const { actor, action, organization, connection, grant, outcome, from, to } = filters;
  return {
    actor,
    action,
    organization_id: organization || undefined,
    connection_name: connection,
    grant_id: grant,
    outcome,
    from: from === undefined ? undefined : readUtc(from)?.toISOString(),
    to: to === undefined ? undefined : readUtc(to)?.toISOString(),
  };
}
