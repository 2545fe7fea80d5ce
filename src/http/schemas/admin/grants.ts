import { z } from 'zod';
import type { FleetGrantView } from '../../../broker/administration/read-fleet-grants.ts';
import { grantPage } from '../../../domain/console/console-pages.ts';
import type { Consent } from '../../../domain/grants/consent.ts';
import { isoOrNull, time, timeOrNull } from '../fields/text.ts';
import { grantSummary, toGrantSummary } from '../grants.ts';
import { consents, fromConsent } from './consents.ts';

const owner = z.string().nullable();

const fleetGrantShape = {
  ...grantSummary.shape,
  organization_id: owner.describe('Organisation that owns the grant; null for a shared grant.'),
  connection_id: z.string(),
  connection_name: z.string(),
  connection_organization_id: owner.describe('Organisation that owns the connection; null for a global connection.'),
  provider: z.string(),
  status_message: z.string().nullable(),
  console_url: z.string().describe('Page of the grant in the console, as its owner sees it.'),
};

export const fleetGrant = z.object(fleetGrantShape).meta({ id: 'FleetGrant' });

export const fleetGrantList = z
  .object({
    grants: z.array(fleetGrant),
    next_cursor: z
      .string()
      .nullable()
      .describe('Cursor of the next page; null on the last page. A page may be short, or empty, and others follow.'),
  })
  .meta({ id: 'FleetGrantList' });

export const fleetGrantDetail = z
  .object({
    ...fleetGrantShape,
    requested_scopes: z.array(z.string()),
    version: z.number().int().describe('Grows with every token set, revocation and import.'),
    obtained_at: timeOrNull.describe('Time of the token request behind the current access token.'),
    created_at: time,
    updated_at: time,
    consecutive_failures: z.number().int().describe('Failed refreshes since the last success.'),
    failing_since: timeOrNull,
    retry_at: timeOrNull.describe('Earliest time of the next attempt to refresh.'),
    last_test_at: timeOrNull,
    health_error: z.string().nullable(),
    revoked_at: timeOrNull,
    revoked_by: z.string().nullable(),
    revoked_reason: z.string().nullable(),
    consents,
  })
  .meta({ id: 'FleetGrantDetail' });

/** `baseUrl`: PUBLIC_URL with BASE_PATH. */
export function toFleetGrant({ grant, connection }: FleetGrantView, baseUrl: string): z.input<typeof fleetGrant> {
  const { id: grantId, organizationId } = grant;
  return {
    ...toGrantSummary(grant),
    organization_id: organizationId,
    connection_id: connection.id,
    connection_name: connection.name,
    connection_organization_id: connection.organizationId,
    provider: connection.settings.provider,
    status_message: grant.statusMessage,
    console_url: `${baseUrl}${grantPage({ connectionName: connection.name, organizationId, grantId })}`,
  };
}

export function toFleetGrantDetail(
  { consents: history, ...view }: FleetGrantView & { consents: readonly Consent[] },
  baseUrl: string,
): z.input<typeof fleetGrantDetail> {
  const { grant } = view;
  return {
    ...toFleetGrant(view, baseUrl),
    requested_scopes: grant.requestedScopes,
    version: grant.version,
    obtained_at: isoOrNull(grant.metadata?.obtainedAt),
    created_at: grant.createdAt.toISOString(),
    updated_at: grant.updatedAt.toISOString(),
    consecutive_failures: grant.consecutiveFailures,
    failing_since: isoOrNull(grant.failingSince),
    retry_at: isoOrNull(grant.retryAt),
    last_test_at: isoOrNull(grant.lastTestAt),
    health_error: grant.healthError,
    revoked_at: isoOrNull(grant.revokedAt),
    revoked_by: grant.revokedBy,
    revoked_reason: grant.revokedReason,
    consents: history.map(fromConsent),
  };
}
