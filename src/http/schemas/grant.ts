import { z } from 'zod';
import type { GrantView } from '../../broker/grant-view.ts';
import type { ImportedTokens } from '../../broker/import-grant.ts';
import { grantStatuses, statusReasons } from '../../domain/grant.ts';
import { Secret } from '../../domain/secret.ts';
import { isSmallJson } from './json-size.ts';
import { scopes } from './scopes.ts';
import { accountId, instant, isoOrNull, line, subject, text, time, timeOrNull } from './text.ts';

export const grantSummary = z
  .object({
    grant_id: z.string(),
    subject: z.string().nullable(),
    account_id: z.string().nullable(),
    status: z.enum(grantStatuses),
    status_reason: z.enum(statusReasons).nullable(),
    scopes: z.array(z.string()),
    expires_at: timeOrNull,
    last_refresh_at: timeOrNull,
    next_refresh_at: timeOrNull,
    health: z.enum(['healthy', 'unhealthy']).nullable(),
  })
  .meta({ id: 'Grant' });

export const grantList = z.object({ grants: z.array(grantSummary) }).meta({ id: 'GrantList' });

export function toGrantSummary(grant: GrantView): z.input<typeof grantSummary> {
  return {
    grant_id: grant.id,
    subject: grant.subject,
    account_id: grant.accountId,
    status: grant.status,
    status_reason: grant.statusReason,
    scopes: grant.facts?.scopes ?? [],
    expires_at: isoOrNull(grant.facts?.expiresAt),
    last_refresh_at: isoOrNull(grant.lastRefreshAt),
    next_refresh_at: isoOrNull(grant.nextRefreshAt),
    health: grant.health,
  };
}

const selectorShape = { subject: subject.nullish(), account_id: accountId.nullish() };

export const grantSelector = z.strictObject(selectorShape).meta({ id: 'GrantSelector' });

export const grantRevocation = z.strictObject({ ...selectorShape, reason: text(500).nullish() }).meta({
  id: 'GrantRevocation',
  description: 'Without subject and account, only the grants of nobody in particular.',
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
        revoked_at_provider: z.boolean(),
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

/** RFC 6749 appendix A.12 and A.17: tokens are printable ASCII. Anything else would break the header they travel in. */
const token = z
  .string()
  .min(1)
  .max(16_384)
  .regex(/^[\x20-\x7e]+$/, 'must be printable ASCII')
  .transform((value) => new Secret(value));
const tenYears = 315_360_000;

export const importedTokens = z
  .strictObject({
    access_token: token.nullish(),
    refresh_token: token.nullish(),
    token_type: line(50).nullish(),
    expires_at: instant.nullish(),
    expires_in: z.number().int().min(0).max(tenYears).nullish().describe('Seconds from now; instead of expires_at.'),
    scopes: scopes.nullish(),
    ...selectorShape,
    extra: z
      .record(line(100), z.unknown())
      .refine(isSmallJson, 'is too large or too deep')
      .nullish()
      .describe('Values that belong to the token set, such as instance_url.'),
  })
  .refine((body) => (body.access_token ?? body.refresh_token) != null, {
    path: ['access_token'],
    error: 'give access_token or refresh_token',
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
    scopes: body.scopes ?? null,
    ...toSelector(body),
    extra: body.extra ?? {},
  };
}
