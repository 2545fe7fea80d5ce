import type { Connection, ConnectionSettings } from '../connections/connection.ts';
import type { Grant, TokenMetadata } from './grant.ts';
import { isShortLived, type RefreshSchedule } from './refresh-policy.ts';
import { missingScopes } from './scopes.ts';

export const warningCodes = [
  'no_refresh_token',
  'short_lived',
  'unknown_expiry',
  'scopes_narrowed',
  'client_secret_refused',
  'client_refused',
  'refresh_token_expires',
  'sibling_failed',
  'never_refreshed',
  'account_unverified',
  'probe_failed',
] as const;
export type WarningCode = (typeof warningCodes)[number];

/** A condition that may end or limit a grant that works now. The message is for people. */
export interface Warning {
  code: WarningCode;
  message: string;
}

export interface WarningPolicy {
  schedule: RefreshSchedule;
  /** Milliseconds before the expiry of a refresh token at which to warn; 0 disables that warning. */
  expiryWarningMs: number;
}

export type WarnedSettings = Pick<ConnectionSettings, 'flow' | 'scopes' | 'authorizeParams'>;

/** Connection of a grant, as far as its warnings depend on it. */
export interface WarnedConnection extends Pick<Connection, 'clientSecretRefusedAt'> {
  settings: WarnedSettings;
}

/** Lists the warnings of a grant, in the order of warningCodes. Empty if all is well. */
export function grantWarnings(grant: Grant, connection: WarnedConnection, policy: WarningPolicy, now: Date): Warning[] {
  const { metadata } = grant;
  const { settings } = connection;
  // Without tokens only the refusal of the client still matters: the rest describes tokens that are gone.
  const hasTokens = grant.sealedTokens !== null && metadata !== null;
  const messages: Record<WarningCode, string | null> = {
    no_refresh_token: hasTokens ? noRefreshToken(metadata, settings) : null,
    short_lived: hasTokens ? shortLived(metadata, policy) : null,
    unknown_expiry: hasTokens ? unknownExpiry(metadata) : null,
    scopes_narrowed: hasTokens ? scopesNarrowed(grant.requestedScopes, metadata) : null,
    client_secret_refused: clientSecretRefused(connection),
    client_refused: clientRefused(grant),
    refresh_token_expires: hasTokens ? refreshTokenExpires(metadata, policy, now) : null,
    sibling_failed: hasTokens ? siblingFailed(metadata, now) : null,
    never_refreshed: hasTokens ? neverRefreshed(grant, metadata, settings, now) : null,
    account_unverified: hasTokens ? accountUnverified(grant) : null,
    probe_failed: hasTokens && grant.health === 'unhealthy' ? probeFailed(grant) : null,
  };
  return listed(messages);
}

/** Lists the warnings of a connection without a grant. */
export function connectionWarnings(connection: WarnedConnection): Warning[] {
  return listed({ client_secret_refused: clientSecretRefused(connection) });
}

function listed(messages: Partial<Record<WarningCode, string | null>>): Warning[] {
  return warningCodes.flatMap((code) => {
    const message = messages[code] ?? null;
    return message === null ? [] : [{ code, message }];
  });
}

function noRefreshToken({ refreshable }: TokenMetadata, { flow, scopes, authorizeParams }: WarnedSettings) {
  if (refreshable || flow === 'client_credentials') return null;
  const fact = 'There is no refresh token, so the grant ends with its access token.';
  if (flow === 'refresh_token') return `${fact} Import a refresh token.`;
  const { access_type: accessType, prompt } = authorizeParams;
  const remedies = [
    ...(scopes.includes('offline_access') ? [] : ['the scope offline_access']),
    ...(accessType === 'offline' ? [] : ['access_type=offline']),
    ...(prompt === 'consent' ? [] : ['prompt=consent']),
  ];
  if (remedies.length === 0) return `${fact} Check at the provider that the client may receive refresh tokens.`;
  return `${fact} Add ${remedies.join(' or ')} to the connection, as the provider documents it, and authorize again.`;
}

function shortLived(metadata: TokenMetadata, { schedule }: WarningPolicy) {
  if (!isShortLived(metadata, schedule)) return null;
  return `The access token lives ${metadata.lifetimeSeconds} seconds, so it may expire between two sweeps. It is refreshed only while it is in use.`;
}

function unknownExpiry({ expiresAt }: TokenMetadata) {
  if (expiresAt !== null) return null;
  return 'The provider states no expiry of the access token, so it cannot be refreshed in time. Report a rejected token with renew.';
}

function scopesNarrowed(requested: readonly string[], { scopes, refreshable }: TokenMetadata) {
  // OpenID Connect Core §11: offline_access asks for a refresh token. Many providers do not list it as granted.
  const missing = missingScopes(requested, scopes).filter((scope) => !(refreshable && scope === 'offline_access'));
  return missing.length === 0 ? null : `Requested and not granted: ${missing.join(', ')}.`;
}

function clientSecretRefused({ clientSecretRefusedAt }: WarnedConnection) {
  if (clientSecretRefusedAt === null) return null;
  const since = clientSecretRefusedAt.toISOString();
  return `The provider refuses the new client secret since ${since} and still accepts the old one. Send the right one before the old one expires.`;
}

function clientRefused({ lastError }: Grant) {
  if (lastError?.class !== 'client') return null;
  const code = lastError.error === null ? '' : ` (${lastError.error})`;
  return `The provider refused the client${code}. Check the client id, the client secret and token_auth_method.`;
}

function refreshTokenExpires({ refreshExpiresAt }: TokenMetadata, { expiryWarningMs }: WarningPolicy, now: Date) {
  if (refreshExpiresAt === null || expiryWarningMs === 0) return null;
  const leftMs = refreshExpiresAt.getTime() - now.getTime();
  if (leftMs > expiryWarningMs) return null;
  const at = refreshExpiresAt.toISOString();
  return leftMs > 0 ? `The refresh token expires at ${at}.` : `The refresh token expired at ${at}.`;
}

/** Names second token sets whose refresh has failed for good, or that expired and cannot be refreshed. */
function siblingFailed({ siblings }: TokenMetadata, now: Date) {
  const facts = Object.entries(siblings ?? {}).flatMap(([name, { status, statusReason, lastError, metadata }]) => {
    const at = metadata.expiresAt;
    if (status === 'failed') {
      const code = lastError?.error ? ` (${lastError.error})` : '';
      const end =
        at === null ? '' : at > now ? ` Its token is served until ${at.toISOString()}.` : ' It is no longer served.';
      return [`The second token set ${name} can no longer be refreshed: ${statusReason}${code}.${end}`];
    }
    if (metadata.refreshable || at === null || at > now) return [];
    return [`The second token set ${name} expired at ${at.toISOString()} and there is nothing to refresh it with.`];
  });
  return facts.length === 0 ? null : [...facts, 'Authorize again to replace it.'].join(' ');
}

/**
 * Warns if the tokens were imported, or if the first access token has expired. A grant from a new authorization is not
 * warned of: its code exchange has just shown that the client works.
 */
function neverRefreshed(grant: Grant, metadata: TokenMetadata, { flow }: WarnedSettings, now: Date) {
  if (flow === 'client_credentials' || !metadata.refreshable || grant.lastRefreshAt !== null) return null;
  const isImported = metadata.obtainedAt === null;
  const hasExpired = metadata.expiresAt !== null && metadata.expiresAt <= now;
  return isImported || hasExpired ? 'No refresh of this grant has succeeded. Refresh it to learn if it can.' : null;
}

function accountUnverified({ accountId, accountVerified }: Grant) {
  if (accountId === null || accountVerified) return null;
  return 'The account was named by the caller or by the callback, and not by the provider with the token. Authorize again to confirm it.';
}

function probeFailed({ healthError }: Grant): string {
  return healthError === null ? 'The last health check failed.' : `The last health check failed: ${healthError}`;
}
