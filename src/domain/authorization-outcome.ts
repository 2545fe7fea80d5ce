import type { Grant, StatusReason, TokenMetadata } from './grants/grant.ts';
import { missingScopes } from './grants/scopes.ts';
import type { ProviderAccount } from './grants/token-set.ts';
import type { NextAction } from './next-action.ts';
import type { ProviderFailureFacts } from './provider-failure.ts';

/**
 * Causes that end an authorization without a grant. They say more than the status reason: who must act depends on them.
 * - denied: the person, or the provider for them, refused the access.
 * - admin_consent_required: an administrator at the provider must consent for the person.
 * - blocked_by_policy: the administrators of the person's account do not allow the application.
 * - members_only: the application at the provider serves the members of one organisation only.
 * - consent_missing: the provider needs the consent of the person and was not allowed to ask for it.
 * - interaction_required: the provider had to ask the person something and was not allowed to.
 * - code_rejected: the provider no longer accepts the code.
 * - client_rejected, configuration_rejected: the connection is wrong, so no person can succeed.
 * - provider_unavailable: the provider cannot be reached, or is overloaded.
 * - response_rejected: the authorization response did not come from the provider, or was altered.
 * - provider_error: any other refusal of the provider.
 * - token_unusable: the token that arrived failed its first test.
 * - other_account: the provider named another account than the expected one.
 * - account_unconfirmed: an account was expected and the provider named none.
 * - not_confirmed: the session that started the authorization gave a wrong confirmation.
 */
export const failureCauses = [
  'denied',
  'admin_consent_required',
  'blocked_by_policy',
  'members_only',
  'consent_missing',
  'interaction_required',
  'code_rejected',
  'client_rejected',
  'configuration_rejected',
  'provider_unavailable',
  'response_rejected',
  'provider_error',
  'token_unusable',
  'other_account',
  'account_unconfirmed',
  'not_confirmed',
  'connection_changed',
  'access_revoked',
  'broker_failed',
] as const;
export type FailureCause = (typeof failureCauses)[number];

/** Public status_reason of each cause. */
export const reasonOfCause = {
  denied: 'user_denied',
  admin_consent_required: 'user_denied',
  blocked_by_policy: 'user_denied',
  members_only: 'user_denied',
  consent_missing: 'exchange_failed',
  interaction_required: 'exchange_failed',
  code_rejected: 'exchange_failed',
  client_rejected: 'exchange_failed',
  configuration_rejected: 'exchange_failed',
  provider_unavailable: 'exchange_failed',
  response_rejected: 'exchange_failed',
  provider_error: 'exchange_failed',
  token_unusable: 'test_failed',
  other_account: 'account_mismatch',
  account_unconfirmed: 'account_mismatch',
  not_confirmed: 'authorization_cancelled',
  connection_changed: 'configuration_changed',
  access_revoked: 'revoked',
  broker_failed: 'exchange_failed',
} as const satisfies Record<FailureCause, StatusReason>;

/** Who must act after each cause. The page for the person and the API say the same. */
export const nextActionOfCause = {
  denied: 'authorize',
  admin_consent_required: 'reconfigure',
  blocked_by_policy: 'reconfigure',
  members_only: 'reconfigure',
  consent_missing: 'authorize',
  interaction_required: 'authorize',
  code_rejected: 'authorize',
  client_rejected: 'reconfigure',
  configuration_rejected: 'reconfigure',
  provider_unavailable: 'authorize',
  response_rejected: 'authorize',
  provider_error: 'authorize',
  token_unusable: 'authorize',
  other_account: 'authorize',
  // Another attempt meets the same silence: a new link must allow the account, or the connection must name it.
  account_unconfirmed: 'reconfigure',
  not_confirmed: 'authorize',
  connection_changed: 'authorize',
  access_revoked: 'authorize',
  broker_failed: 'authorize',
} as const satisfies Record<FailureCause, NextAction>;

/**
 * Causes of error codes (RFC 6749 §4.1.2.1 and §5.2, RFC 8707 §2, OpenID Connect Core §3.1.2.6, Google). Other codes are
 * errors of the provider.
 */
const causes: Partial<Record<string, FailureCause>> = {
  access_denied: 'denied',
  admin_policy_enforced: 'blocked_by_policy',
  org_internal: 'members_only',
  consent_required: 'consent_missing',
  interaction_required: 'interaction_required',
  login_required: 'interaction_required',
  account_selection_required: 'interaction_required',
  unauthorized_client: 'client_rejected',
  invalid_client: 'client_rejected',
  invalid_scope: 'configuration_rejected',
  invalid_target: 'configuration_rejected',
  unsupported_response_type: 'configuration_rejected',
  unsupported_grant_type: 'configuration_rejected',
  redirect_uri_mismatch: 'configuration_rejected',
  server_error: 'provider_unavailable',
  temporarily_unavailable: 'provider_unavailable',
};

/**
 * Codes with which Microsoft Entra ID says that an administrator must consent. It sends them in error_description, beside
 * access_denied, consent_required or invalid_grant: the code alone blames the person.
 */
const adminConsentCodes = /\bAADSTS(65001|90094|90095|900941)\b/;

export function needsAdminConsent(description: string | null): boolean {
  return description !== null && adminConsentCodes.test(description);
}

export function causeOfError(code: string | null, description: string | null): FailureCause {
  if (needsAdminConsent(description)) return 'admin_consent_required';
  return (code === null || !Object.hasOwn(causes, code) ? undefined : causes[code]) ?? 'provider_error';
}

type Account = Pick<ProviderAccount, 'id' | 'name'>;

export interface ConnectedDetails {
  kind: 'connected';
  /** Whether the tokens replaced those of an earlier authorization. */
  isReconnect: boolean;
  /** Whether the broker can renew the access without the person. */
  isRenewable: boolean;
  /** Expiry of the access token; null if the provider states none. */
  expiresAt: Date | null;
  /** Expiry of the refresh token; null if the provider states none. */
  refreshExpiresAt: Date | null;
  /** Requested scopes that were not granted. */
  missingScopes: string[];
  /** False if only the callback's query named the account. */
  isAccountConfirmed: boolean;
}

/** Describes the tokens that a grant received. `held` is the grant in the slot before. */
export function connectedDetails(
  held: Pick<Grant, 'sealedTokens'> | undefined,
  { refreshable, expiresAt, refreshExpiresAt, scopes }: TokenMetadata,
  requestedScopes: readonly string[],
  account: ProviderAccount | null,
): ConnectedDetails {
  return {
    kind: 'connected',
    isReconnect: held !== undefined && held.sealedTokens !== null,
    isRenewable: refreshable,
    expiresAt,
    refreshExpiresAt,
    // OpenID Connect Core §11: offline_access asks for a refresh token. Many providers do not list it as granted.
    missingScopes: missingScopes(requestedScopes, scopes).filter(
      (scope) => !(refreshable && scope === 'offline_access'),
    ),
    isAccountConfirmed: account === null || account.isFromCallback !== true,
  };
}

/** Token request that failed, as `last_error` of the connection shows it. */
export interface FailedExchange extends Pick<ProviderFailureFacts, 'class' | 'httpStatus'> {
  at: Date;
}

export interface FailedDetails {
  kind: 'failed';
  cause: FailureCause;
  /** Account that the connection expected, if it was the cause. */
  expected: Account | null;
  /** Account that the provider named, if it was the cause. */
  received: Account | null;
  /** Null if no token request failed. */
  exchange: FailedExchange | null;
}

/** Details of an outcome, kept with the authorization: the same callback again shows the same page. */
export type OutcomeDetails = ConnectedDetails | FailedDetails;
