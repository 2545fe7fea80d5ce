import { z } from 'zod';
import type { AuthorizationProgress } from '../../broker/follow-authorization.ts';
import type { AuthorizationStart, StartedAuthorization } from '../../broker/start-authorization.ts';
import { statusReasons } from '../../domain/grant.ts';
import { scopes } from './scopes.ts';
import { accountId, line, subject, time, url } from './text.ts';

export const authorizationStart = z
  .strictObject({
    subject: subject.nullish(),
    account_id: accountId.nullish().describe('The account that must come back.'),
    allow_account_change: z
      .boolean()
      .nullish()
      .describe('Default false: another account is refused as account_mismatch.'),
    scopes: scopes.nullish().describe('In addition to the connection’s own.'),
    return_url: url.nullish().describe('Where the browser goes afterwards; must be allowed by the configuration.'),
    login_hint: line(320).nullish(),
    prompt: line(100).nullish(),
  })
  .meta({ id: 'AuthorizationStart' });

export const startedAuthorization = z
  .object({
    authorization_url: z.string().describe('To be opened in the person’s browser.'),
    state: z.string(),
    expires_at: time,
  })
  .meta({ id: 'StartedAuthorization' });

export const authorizationProgress = z
  .object({
    status: z.enum(['pending', 'completed', 'failed', 'expired']),
    status_reason: z.enum(statusReasons).nullable(),
    connection_name: z.string(),
    subject: z.string().nullable(),
    account_id: z.string().nullable(),
  })
  .meta({ id: 'AuthorizationProgress' });

export const cancellation = z.strictObject({ subject: subject.nullish() }).meta({ id: 'Cancellation' });

export const cancelled = z
  .object({ message: z.string(), cancelled: z.number().int().describe('How many trips were pending.') })
  .meta({ id: 'Cancelled' });

export function toAuthorizationStart(body: z.output<typeof authorizationStart>): AuthorizationStart {
  return {
    subject: body.subject ?? null,
    accountId: body.account_id ?? null,
    allowAccountChange: body.allow_account_change ?? false,
    scopes: body.scopes ?? null,
    returnUrl: body.return_url ?? null,
    loginHint: body.login_hint ?? null,
    prompt: body.prompt ?? null,
  };
}

export function fromStarted(started: StartedAuthorization): z.input<typeof startedAuthorization> {
  return {
    authorization_url: started.authorizationUrl,
    state: started.state,
    expires_at: started.expiresAt.toISOString(),
  };
}

export function fromProgress(progress: AuthorizationProgress): z.input<typeof authorizationProgress> {
  return {
    status: progress.status,
    status_reason: progress.statusReason,
    connection_name: progress.connectionName,
    subject: progress.subject,
    account_id: progress.accountId,
  };
}
