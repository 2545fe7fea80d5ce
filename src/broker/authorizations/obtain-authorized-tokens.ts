import {
  causeOfError,
  type FailedDetails,
  type FailureCause,
  needsAdminConsent,
} from '../../domain/authorization-outcome.ts';
import { originsOf, type UrlOrigins } from '../../domain/connections/url-origins.ts';
import type { ProviderAccount, TokenResponse, TokenSet } from '../../domain/grants/token-set.ts';
import type { AuthorizationWithConnection } from '../../domain/ports/callers.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { OAuthClient, OAuthGateway, ProbeResult } from '../../domain/ports/oauth.ts';
import { type FailureClass, ProviderFailure, type WrongIssuer } from '../../domain/provider-failure.ts';
import { cleanProviderText } from '../../domain/provider-text.ts';
import type { Secret } from '../../domain/secret.ts';
import type { ObserveClient } from '../observe-client.ts';
import { openClient, openVerifier } from '../sealing.ts';

/**
 * An authorization without a grant. Its tokens are discarded, never revoked: a revocation could end the working grant.
 */
export interface AuthorizationFailure {
  kind: 'failed';
  details: FailedDetails;
  /** Message for administrators. */
  message: string;
  /** Error of the provider: its code, and its description in cleaned form. */
  error: string | null;
  errorDescription: string | null;
  exchangeSuccess: boolean | null;
  /** Issuers of a response that came from another one than expected. */
  issuers?: WrongIssuer | undefined;
  testResult: ProbeResult['result'] | null;
}

export interface ObtainedTokens {
  kind: 'obtained';
  response: TokenResponse;
  account: ProviderAccount | null;
  testResult: Exclude<ProbeResult['result'], 'failed'>;
  requestedAt: Date;
  /** Origins of the connection's URLs when the code was exchanged. */
  origins: UrlOrigins;
}

/** Exchanges the code once, then probes whether the token works and which account it belongs to. */
export type ObtainAuthorizedTokens = (
  found: AuthorizationWithConnection,
  callback: { state: string; parameters: URLSearchParams },
) => Promise<ObtainedTokens | AuthorizationFailure>;

export interface ObtainAuthorizedTokensDeps {
  oauth: Pick<OAuthGateway, 'exchangeCode' | 'probe'>;
  cipher: Cipher;
  observeClient: ObserveClient;
  clock: () => Date;
}

export function createObtainAuthorizedTokens({
  oauth,
  cipher,
  observeClient,
  clock,
}: ObtainAuthorizedTokensDeps): ObtainAuthorizedTokens {
  return async ({ authorization, connection }, { state, parameters }) => {
    const requestedAt = clock();
    const opened = openClient(cipher, connection, authorization.organizationId);
    const { client, record: recordSecret } = observeClient(connection, opened);
    const { redirectUri, scopes } = authorization;
    const codeVerifier = openVerifier(cipher, authorization);
    let response: TokenResponse;
    try {
      response = await oauth.exchangeCode(client, { parameters, state, redirectUri, codeVerifier, scopes });
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      const message = exchangeMessage(error);
      const { class: failureClass, oauthError, description, httpStatus } = error.facts;
      return {
        kind: 'failed',
        details: {
          ...failedBecause(causeOfFailure(error)),
          exchange: { class: failureClass, httpStatus, at: clock() },
        },
        message,
        error: oauthError,
        errorDescription: cleanProviderText(description, sentSecrets(client, codeVerifier, parameters, state)),
        exchangeSuccess: false,
        testResult: null,
      };
    }
    await recordSecret();
    const probe = await probeToken(oauth, client, response.tokens);
    if (probe.result === 'failed') {
      const message = `The token that arrived does not work. ${probe.message}`;
      return {
        kind: 'failed',
        details: failedBecause('token_unusable'),
        message,
        error: null,
        errorDescription: null,
        exchangeSuccess: true,
        testResult: 'failed',
      };
    }
    return {
      kind: 'obtained',
      response,
      account: accountOf(response.account, probe.account),
      testResult: probe.result,
      requestedAt,
      origins: originsOf(connection.settings),
    };
  };
}

/** Lists the secrets that an exchange sends: a provider that echoes one must not make it public. */
function sentSecrets(
  { secrets }: OAuthClient,
  codeVerifier: Secret | null,
  parameters: URLSearchParams,
  state: string,
): (Secret | string | null)[] {
  return [...secrets, codeVerifier, parameters.get('code'), state];
}

async function probeToken(
  oauth: Pick<OAuthGateway, 'probe'>,
  client: OAuthClient,
  tokens: TokenSet,
): Promise<Pick<ProbeResult, 'result' | 'message' | 'account'>> {
  try {
    return await oauth.probe(client, tokens);
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return { result: 'failed', message: error.message, account: null };
  }
}

/**
 * Prefers the account of the token response, which the token is bound to. The probe may add its name and email address. Against an account
 * that only the callback names, the probe decides: it used the token.
 */
function accountOf(stated: ProviderAccount | null, probed: ProviderAccount | null): ProviderAccount | null {
  if (stated === null || (stated.isFromCallback && probed !== null)) return probed;
  const email = probed?.email ?? stated.email;
  const name = stated.name ?? (probed?.id === stated.id ? probed.name : null);
  return { ...stated, name, ...(email !== undefined && { email }) };
}

export function failedBecause(cause: FailureCause): FailedDetails {
  return { kind: 'failed', cause, expected: null, received: null, exchange: null };
}

export const adminConsentMessage = 'An administrator at the provider must consent to the application first.';

function causeOfFailure({ facts }: ProviderFailure): FailureCause {
  const { class: failureClass, oauthError, description, addressFault } = facts;
  // The page and next_action must not tell one fault of an address from the other.
  if (addressFault !== undefined) return 'provider_unavailable';
  const isKnown = failureClass !== 'unknown' && !needsAdminConsent(description);
  return isKnown ? causeOfClass[failureClass] : causeOfError(oauthError, description);
}

const causeOfClass = {
  reauthorization: 'code_rejected',
  client: 'client_rejected',
  configuration: 'configuration_rejected',
  throttled: 'provider_unavailable',
  transient: 'provider_unavailable',
  // The broker's own rules stopped the call: a URL that is not allowed, or is broken.
  refused: 'configuration_rejected',
} as const satisfies Record<Exclude<FailureClass, 'unknown'>, FailureCause>;

function exchangeMessage({ message, facts }: ProviderFailure): string {
  if (needsAdminConsent(facts.description)) return adminConsentMessage;
  switch (facts.class) {
    case 'reauthorization':
      return 'The provider no longer accepts the code: it has expired or was used before. Connect again.';
    case 'client':
      return `The provider does not accept the client id and secret of this connection. ${message}`;
    default:
      return `The code could not be exchanged for a token. ${message}`;
  }
}

/** Failure of an authorization whose code was not exchanged. */
export function beforeExchange(cause: FailureCause, message: string): AuthorizationFailure {
  return {
    kind: 'failed',
    details: failedBecause(cause),
    message,
    error: null,
    errorDescription: null,
    exchangeSuccess: null,
    testResult: null,
  };
}
