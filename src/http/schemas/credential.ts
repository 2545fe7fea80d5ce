import { z } from 'zod';
import type { Credential } from '../../domain/credential.ts';
import { grantStatuses, statusReasons } from '../../domain/grant.ts';
import { Secret } from '../../domain/secret.ts';
import { queryScopes } from './scopes.ts';
import { accountId, isoOrNull, line, queryInteger, queryText, subject, text, timeOrNull } from './text.ts';

/** What no token lives to see; a 32-bit number of seconds. */
const maxTtlSeconds = 2_147_483_647;

export const credentialQuery = z.object({
  subject: queryText(255),
  account_id: queryText(255),
  min_ttl: queryInteger({ min: 0, max: maxTtlSeconds, default: 0 }).describe('Seconds the token must still live.'),
  scopes: queryScopes.describe('Scopes the grant must have, separated by commas or spaces.'),
});

export const workflowHeaders = z.object({
  'X-Workflow-Id': z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 printable characters')
    .optional()
    .describe('Registers the workflow as depending on the connection; refused while it is disabled.'),
  'X-Workflow-Name': line(200).optional(),
});

export const credential = z
  .object({
    connection_name: z.string(),
    organization_id: z.string().nullable().describe('Where the connection was found; null for a global one.'),
    grant_organization_id: z.string().nullable().describe('Who owns the grant; null for a shared one.'),
    subject: z.string().nullable(),
    account_id: z.string().nullable(),
    access_token: z.string(),
    token_type: z.string(),
    expires_at: timeOrNull.describe('Null where the provider never said.'),
    scopes: z.array(z.string()),
    status: z.enum(grantStatuses),
    status_reason: z
      .enum(statusReasons)
      .nullable()
      .describe('Why a token that is still alive can no longer be renewed; null where it can.'),
    extra: z
      .record(z.string(), z.unknown())
      .describe('What the provider’s API needs beside the token, such as instance_url.'),
  })
  .meta({ id: 'Credential' });

export const rejectedToken = z
  .strictObject({
    rejected_token: text(16_384).transform((value) => new Secret(value)),
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
    access_token: accessToken,
    token_type: tokenType,
    expires_at: isoOrNull(found.expiresAt),
    scopes: found.scopes,
    status: found.status,
    status_reason: found.statusReason,
    extra,
  };
}
