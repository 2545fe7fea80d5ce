import { z } from 'zod';
import type { GrantView } from '../../broker/grants/grant-view.ts';
import type { ImportedTokens } from '../../broker/grants/store-imported.ts';
import { grantStatuses, statusReasons } from '../../domain/grants/grant.ts';
import { nextActions } from '../../domain/next-action.ts';
import { Secret } from '../../domain/secret.ts';
import { isSmallJson, isTokenResponseSized } from './fields/json-size.ts';
import { scopes } from './fields/scopes.ts';
import { accountId, instant, isoOrNull, line, subject, text, time, timeOrNull } from './fields/text.ts';
import { lastError, toLastError, warnings } from './grant-state.ts';

export const grantSummary = z
  .object({
    grant_id: z.string(),
    subject: z.string().nullable(),
    account_id: z.string().nullable(),
    account_name: z.string().nullable(),
    account_verified: z
      .boolean()
      .describe(
        'Whether the provider named the account with the token. Values of a callback or an import are unverified.',
      ),
    status: z.enum(grantStatuses),
    status_reason: z.enum(statusReasons).nullable(),
    next_action: z.enum(nextActions).describe('Step that brings the grant back; none if it works.'),
    refreshable: z.boolean().describe('Whether the grant can outlive its access token.'),
    warnings,
    last_error: lastError,
    scopes: z.array(z.string()),
    expires_at: timeOrNull,
    refresh_expires_at: timeOrNull,
    last_refresh_at: timeOrNull,
    next_refresh_at: timeOrNull,
    health: z.enum(['healthy', 'unhealthy']).nullable(),
  })
  .meta({ id: 'Grant' });

export const grantList = z
  .object({
    grants: z.array(grantSummary),
    next_cursor: z.string().nullable().describe('Cursor of the next page; null on the last page.'),
  })
  .meta({ id: 'GrantList' });

export function toGrantSummary(grant: GrantView): z.input<typeof grantSummary> {
  return {
    grant_id: grant.id,
    subject: grant.subject,
    account_id: grant.accountId,
    account_name: grant.accountName,
    account_verified: grant.accountVerified,
    status: grant.status,
    status_reason: grant.statusReason,
    next_action: grant.nextAction,
    refreshable: grant.metadata?.refreshable ?? false,
    warnings: grant.warnings,
    last_error: toLastError(grant.lastError),
    scopes: grant.metadata?.scopes ?? [],
    expires_at: isoOrNull(grant.metadata?.expiresAt),
    refresh_expires_at: isoOrNull(grant.metadata?.refreshExpiresAt),
    last_refresh_at: isoOrNull(grant.lastRefreshAt),
    next_refresh_at: isoOrNull(grant.nextRefreshAt),
    health: grant.health,
  };
}

const selectorShape = { subject: subject.nullish(), account_id: accountId.nullish() };

export const grantSelector = z.strictObject(selectorShape).meta({ id: 'GrantSelector' });

export const grantRevocation = z.strictObject({ ...selectorShape, reason: text(500).nullish() }).meta({
  id: 'GrantRevocation',
  description: 'Without subject and account_id, revokes the grants that have no subject.',
});

export function toSelector(body: z.output<typeof grantSelector>) {
  return { subject: body.subject ?? null, accountId: body.account_id ?? null };
}

export const revokedGrants = z
  .object({
    revoked: z.array(
      z.object({
        grant_id: z.string(),
        subject: z.string().nullable(),
        account_id: z.string().nullable(),
        revoked_at_provider: z.boolean().describe('Whether the provider confirmed the revocation.'),
      }),
    ),
  })
  .meta({ id: 'RevokedGrants' });

export const testReport = z
  .object({
    test_result: z.enum(['success', 'failed', 'skipped']),
    message: z.string(),
    tested_at: time,
    response_time_ms: z.number(),
  })
  .meta({ id: 'TestReport' });

/** Access or refresh token: printable ASCII (RFC 6749 appendix A.12, A.17). Other characters would break an HTTP header. */
const token = z
  .string()
  .min(1)
  .max(65_536)
  .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII')
  .transform((value) => new Secret(value));
/** Ten years in seconds: longer than any token lives. A larger value is a mistake, for example milliseconds. */
const maxExpiresIn = 315_360_000;

/** Members that a raw token response states itself. */
const statedByResponse = ['access_token', 'refresh_token', 'token_type', 'expires_at', 'expires_in'] as const;

const tokenResponse = z
  .union([z.string().min(1), z.record(z.string(), z.unknown())])
  .refine(isTokenResponseSized, 'is too large or too deep')
  .transform((value) => new Secret(typeof value === 'string' ? value : JSON.stringify(value)))
  .describe(
    'The provider’s token response as it was received: a JSON object, or JSON or form-encoded text. It is read like a response of the provider to the broker, with the captured values, lifetimes and names of the provider template. Replaces access_token, refresh_token, token_type, expires_at and expires_in. scopes and extra may stand beside it: they name the requested scopes, and values of the callback.',
  );

export const importedTokens = z
  .strictObject({
    token_response: tokenResponse.nullish(),
    received_at: instant
      .nullish()
      .describe('Time at which token_response was received, from which its lifetimes count. Defaults to now.'),
    access_token: token.nullish(),
    refresh_token: token.nullish(),
    token_type: line(50).nullish(),
    expires_at: instant.nullish(),
    expires_in: z
      .number()
      .int()
      .min(0)
      .max(maxExpiresIn)
      .nullish()
      .describe('Seconds from now until expiry; instead of expires_at.'),
    scopes: scopes.nullish().describe('Granted scopes. Default: those of the connection.'),
    scope: scopes.nullish().describe('The same as scopes.'),
    ...selectorShape,
    extra: z
      .record(line(100), z.unknown())
      .refine(isSmallJson, 'is too large or too deep')
      .nullish()
      .describe('Further values of the token response, such as instance_url.'),
    verify: z
      .boolean()
      .default(false)
      .describe(
        'Refreshes the grant at once, or calls the test URL if it cannot be refreshed. The response shows the outcome in status, last_error and warnings. A grant that fails is kept.',
      ),
  })
  .refine((body) => (body.token_response ?? body.access_token ?? body.refresh_token) != null, {
    path: ['access_token'],
    error: 'give access_token, refresh_token or token_response',
  })
  .superRefine((body, context) => {
    if (body.token_response == null) return;
    for (const member of statedByResponse.filter((name) => body[name] != null)) {
      const message = `give token_response or ${member}, not both`;
      context.addIssue({ code: 'custom', path: [member], message });
    }
  })
  .refine((body) => body.received_at == null || body.token_response != null, {
    path: ['received_at'],
    error: 'give it together with token_response',
  })
  .refine((body) => body.scopes == null || body.scope == null, {
    path: ['scope'],
    error: 'give scopes or scope, not both',
  })
  .refine((body) => body.expires_at == null || body.expires_in == null, {
    path: ['expires_in'],
    error: 'give expires_at or expires_in, not both',
  })
  .meta({ id: 'ImportedTokens' });

export function toImportedTokens(body: z.output<typeof importedTokens>, now: Date): ImportedTokens {
  const relative = body.expires_in == null ? null : new Date(now.getTime() + body.expires_in * 1000);
  return {
    accessToken: body.access_token ?? null,
    refreshToken: body.refresh_token ?? null,
    tokenType: body.token_type ?? null,
    expiresAt: body.expires_at ?? relative,
    scopes: body.scopes ?? body.scope ?? null,
    ...toSelector(body),
    extra: body.extra ?? {},
    tokenResponse:
      body.token_response == null ? null : { body: body.token_response, receivedAt: body.received_at ?? null },
    verify: body.verify,
  };
}
