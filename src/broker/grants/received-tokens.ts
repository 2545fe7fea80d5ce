import type { ConnectionSettings } from '../../domain/connections/connection.ts';
import { invalidRequest } from '../../domain/errors.ts';
import type { TokenResponse } from '../../domain/grants/token-set.ts';
import type { OAuthGateway } from '../../domain/ports/oauth.ts';
import type { Secret } from '../../domain/secret.ts';

/** A provider's token response as another program received it. */
export interface RawTokenResponse {
  /** JSON or form-encoded text. */
  body: Secret;
  receivedAt: Date | null;
}

/** Token set to import, however the caller described it. */
export interface TokensToImport {
  accessToken: Secret | null;
  refreshToken: Secret | null;
  tokenType: string | null;
  expiresAt: Date | null;
  refreshExpiresAt: Date | null;
  /** Time at which the tokens were received; null if it is unknown. */
  receivedAt: Date | null;
  /** Granted scopes; null if the caller and the response name none. */
  scopes: string[] | null;
  accountId: string | null;
  accountName: string | null;
  extra: Record<string, unknown>;
  /** Second token sets of a raw token response. */
  siblings?: TokenResponse['siblings'];
}

/** Tolerated difference between the caller's clock and the broker's. A time further ahead would prolong every lifetime. */
const maxClockDifferenceMs = 5 * 60_000;

/**
 * Reads a raw token response by the rules of the connection's provider. Throws invalid_request if it brings no token,
 * names another account than the caller, or was received in the future.
 */
export function readReceivedTokens(
  oauth: Pick<OAuthGateway, 'readReceived'>,
  settings: ConnectionSettings,
  { body, receivedAt }: RawTokenResponse,
  named: Pick<TokensToImport, 'scopes' | 'accountId' | 'extra'>,
  now: Date,
): TokensToImport {
  if (receivedAt !== null && receivedAt.getTime() > now.getTime() + maxClockDifferenceMs) {
    throw invalidRequest({ path: 'received_at', message: 'must not lie in the future' });
  }
  const read = oauth.readReceived(settings, { body: body.reveal(), receivedAt, captured: named.extra });
  if (read.kind === 'unreadable') throw invalidRequest({ path: 'token_response', message: read.reason });
  const { tokens, scopes, account, siblings } = read.response;
  if (named.accountId !== null && account !== null && account.id !== named.accountId) {
    throw invalidRequest({ path: 'account_id', message: `The token response names another account: ${account.id}.` });
  }
  return {
    ...tokens,
    expiresAt: read.expiresAt,
    refreshExpiresAt: read.refreshExpiresAt,
    receivedAt,
    // RFC 6749 §5.1: a response without scopes grants the requested ones.
    scopes: scopes ?? named.scopes,
    accountId: named.accountId ?? account?.id ?? null,
    accountName: account?.name ?? null,
    ...(siblings !== undefined && { siblings }),
  };
}
