import { z } from 'zod';
import type { AuthorizationProgress } from '../../broker/authorizations/follow-authorization.ts';
import type { AuthorizationStart, StartedAuthorization } from '../../broker/authorizations/start-authorization.ts';
import type { ExpectedAccount } from '../../domain/expected-account.ts';
import { statusReasons } from '../../domain/grants/grant.ts';
import { nextActions } from '../../domain/next-action.ts';
import { scopes } from './fields/scopes.ts';
import { accountId, line, subject, text, time, url } from './fields/text.ts';
import { warnings } from './grant-state.ts';

/** Shortest lifetime of a link in seconds: less is too short to hand it over and sign in. */
const minExpiresIn = 60;
/** Longest lifetime of a link in seconds, 7 days: an open link is a right to connect an account. */
const maxExpiresIn = 604_800;

const expectedAccount = z
  .strictObject({
    id: accountId.nullish(),
    email: line(320)
      .regex(/^[^@\s]+@[^@\s]+$/, 'must be an email address')
      .nullish()
      .describe('Email address, in any case.'),
    domain: line(253)
      .regex(/^[^@\s/]+$/, 'must be a domain, such as example.com')
      .nullish()
      .describe('Domain of the email address, without subdomains.'),
  })
  .refine(({ id, email, domain }) => [id, email, domain].some((member) => member != null), 'needs id, email or domain')
  .meta({ id: 'ExpectedAccount' });

export const authorizationStart = z
  .strictObject({
    subject: subject.nullish(),
    account_id: accountId.nullish().describe('The account that the person must authorize.'),
    allow_account_change: z
      .boolean()
      .nullish()
      .describe(
        'Whether the person may authorize another account than account_id. Default: false, which fails with account_mismatch.',
      ),
    subject_label: line(200)
      .nullish()
      .describe('Name of the subject for the page before the provider, such as the name of the person.'),
    expected_account: expectedAccount
      .nullish()
      .describe(
        'Account that the provider must name, also with allow_account_change. Another one fails with account_mismatch, and so does one that the provider does not name.',
      ),
    binding_challenge: z
      .string()
      .regex(/^[\w-]{43}$/, 'must be a SHA-256 in base64url without padding: 43 characters')
      .nullish()
      .describe(
        'S256 challenge (RFC 7636 §4.2) of a verifier that the starting session keeps. Needs return_url. The grant is made by confirmAuthorization only.',
      ),
    scopes: scopes.nullish().describe('Scopes to request in addition to those of the connection.'),
    return_url: url
      .nullish()
      .describe('URL to which the browser is sent afterwards. The configuration of the broker must allow it.'),
    client_state: text(512)
      .nullish()
      .describe('Text of the caller, handed back on return_url as client_state. It must not be a secret.'),
    expires_in: z
      .number()
      .int()
      .min(minExpiresIn)
      .max(maxExpiresIn)
      .nullish()
      .describe('Seconds for which the link can be used. Default: set by the configuration of the broker.'),
    login_hint: line(320).nullish().describe('login_hint of the authorization request (OpenID Connect).'),
    prompt: line(100).nullish().describe('prompt of the authorization request (OpenID Connect).'),
  })
  .meta({ id: 'AuthorizationStart' });

export const startedAuthorization = z
  .object({
    authorization_url: z.string().describe('Link to open in the person’s browser.'),
    state: z.string().describe('Identifies the authorization in getAuthorization.'),
    expires_at: time.describe('Time until which the link can be used.'),
  })
  .meta({ id: 'StartedAuthorization' });

export const authorizationProgress = z
  .object({
    status: z
      .enum(['pending', 'awaiting_confirmation', 'completed', 'failed', 'expired'])
      .describe('awaiting_confirmation: the person has finished, and confirmAuthorization makes the grant.'),
    status_reason: z.enum(statusReasons).nullable(),
    next_action: z.enum(nextActions).describe('Step that is needed now.'),
    error: z.string().nullable().describe('Error code of the provider.'),
    error_description: z
      .string()
      .nullable()
      .describe('Text of the provider about the error: at most 200 printable characters. Show it as a quotation.'),
    connection_name: z.string(),
    subject: z.string().nullable(),
    account_id: z.string().nullable(),
    account_name: z.string().nullable(),
    warnings,
  })
  .meta({ id: 'AuthorizationProgress' });

export const confirmation = z
  .strictObject({
    binding_verifier: text(512).describe('Verifier of binding_challenge, which only the starting session has.'),
    confirmation_code: text(512).describe('Code from return_url, which only the completing browser has.'),
  })
  .meta({ id: 'Confirmation' });

export const cancellation = z.strictObject({ subject: subject.nullish() }).meta({ id: 'Cancellation' });

export const cancelled = z
  .object({ message: z.string(), cancelled: z.number().int().describe('Number of authorizations that were pending.') })
  .meta({ id: 'Cancelled' });

export function toAuthorizationStart(body: z.output<typeof authorizationStart>): AuthorizationStart {
  return {
    subject: body.subject ?? null,
    accountId: body.account_id ?? null,
    allowAccountChange: body.allow_account_change ?? false,
    subjectLabel: body.subject_label ?? null,
    expectedAccount: toExpectedAccount(body.expected_account),
    bindingChallenge: body.binding_challenge ?? null,
    scopes: body.scopes ?? null,
    returnUrl: body.return_url ?? null,
    clientState: body.client_state ?? null,
    expiresInSeconds: body.expires_in ?? null,
    loginHint: body.login_hint ?? null,
    prompt: body.prompt ?? null,
  };
}

function toExpectedAccount(expected: z.output<typeof expectedAccount> | null | undefined): ExpectedAccount | null {
  if (expected == null) return null;
  return { id: expected.id ?? null, email: expected.email ?? null, domain: expected.domain ?? null };
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
    next_action: progress.nextAction,
    error: progress.error,
    error_description: progress.errorDescription,
    connection_name: progress.connectionName,
    subject: progress.subject,
    account_id: progress.accountId,
    account_name: progress.accountName,
    warnings: progress.warnings,
  };
}
