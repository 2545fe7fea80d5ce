import { z } from 'zod';
import type { Credential } from '../../domain/grants/credential.ts';
import { grantStatuses, statusReasons } from '../../domain/grants/grant.ts';
import { nextActions } from '../../domain/next-action.ts';
import { Secret } from '../../domain/secret.ts';
import { queryScopes } from './fields/scopes.ts';
import { accountId, isoOrNull, queryInteger, queryText, subject, text, timeOrNull } from './fields/text.ts';

/** Maximum min_ttl in seconds: the largest 32-bit integer, 68 years. No token lives that long. */
const maxTtlSeconds = 2_147_483_647;

export const credentialQuery = z.object({
  subject: queryText(255),
  account_id: queryText(255),
  min_ttl: queryInteger({ min: 0, max: maxTtlSeconds, default: 0 }).describe(
    'Seconds for which the token must remain valid.',
  ),
  scopes: queryScopes.describe('Scopes that the grant must have, separated by commas or spaces.'),
});

export const credential = z
  .object({
    connection_name: z.string(),
    organization_id: z
      .string()
      .nullable()
      .describe('Organisation that owns the connection; null for a global connection.'),
    grant_organization_id: z.string().nullable().describe('Organisation that owns the grant; null for a shared grant.'),
    subject: z.string().nullable(),
    account_id: z.string().nullable(),
    access_token: z.string(),
    token_type: z.string(),
    expires_at: timeOrNull.describe('Time at which the token expires; null if the provider did not say.'),
    scopes: z.array(z.string()),
    status: z.enum(grantStatuses),
    status_reason: z
      .enum(statusReasons)
      .nullable()
      .describe('Reason why the token, still valid, can no longer be refreshed; null if it can.'),
    next_action: z
      .enum(nextActions)
      .describe('Who must act before the token expires; none if the broker refreshes it.'),
    extra: z
      .record(z.string(), z.unknown())
      .describe('Further values of the token response that the provider’s API needs, such as instance_url.'),
  })
  .meta({ id: 'Credential' });

export const renewedCredential = credential
  .extend({
    renewed: z
      .boolean()
      .describe(
        'Whether this token replaces the reported one. False if the report was about an older token, or the provider issued the same token again.',
      ),
  })
  .meta({ id: 'RenewedCredential' });

export const rejectedToken = z
  .strictObject({
    rejected_token: text(65_536)
      .transform((value) => new Secret(value))
      .describe('The access token that the provider’s API rejected.'),
    subject: subject.nullish(),
    account_id: accountId.nullish(),
  })
  .meta({ id: 'RejectedToken' });

export function fromCredential(found: Credential): z.input<typeof credential> {
  const { accessToken, tokenType, extra } = found.openTokens();
  return {
    connection_name: found.connectionName,
    organization_id: found.organizationId,
    grant_organization_id: found.grantOrganizationId,
    subject: found.subject,
    account_id: found.accountId,
    access_token: accessToken.reveal(),
    token_type: tokenType,
    expires_at: isoOrNull(found.expiresAt),
    scopes: found.scopes,
    status: found.status,
    status_reason: found.statusReason,
    next_action: found.nextAction,
    extra,
  };
}
