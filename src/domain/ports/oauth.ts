import type { ConnectionSettings, OrganizationId } from '../connections/connection.ts';
import type { ProviderTemplate } from '../connections/template.ts';
import type { ProviderAccount, RefreshResponse, TokenResponse, TokenSet } from '../grants/token-set.ts';
import type { ProviderFailure } from '../provider-failure.ts';
import type { Secret } from '../secret.ts';

/**
 * Organisation and connection that a provider is called for. Limits, pauses and circuits keep organisations apart by
 * it: no caller can choose the values of another. The organisation is the grant's, also below a global connection.
 */
export interface ProviderCaller {
  organizationId: OrganizationId;
  connectionId: string;
}

/** A connection as the protocol layer needs it: settings and opened client secrets. */
export interface OAuthClient {
  caller: ProviderCaller;
  settings: ConnectionSettings;
  /** Newest first. An older secret is tried when the newest is rejected. Empty for a public client. */
  secrets: readonly Secret[];
  /**
   * Receives the position in `secrets` with which a request to the provider succeeded, before the call returns. Only
   * called if there are several.
   */
  onSecretAccepted?: (position: number) => void;
}

export interface AuthorizationRequest {
  state: string;
  redirectUri: string;
  scopes: readonly string[];
  codeVerifier: Secret | null;
  loginHint: string | null;
  prompt: string | null;
}

/**
 * Priority of a provider call. Background calls yield to calls a reader is waiting for; the default is not background.
 * The flag is read while the call waits for its turn: clearing it moves the call ahead.
 */
export interface CallPriority {
  inBackground: boolean;
}

/** Authorization response that the browser brings back, after the checks of RFC 6749 §4.1.2 and RFC 9207. */
export type AuthorizationResponse = { kind: 'code' } | { kind: 'error'; error: string };

export interface CodeExchange {
  parameters: URLSearchParams;
  state: string;
  redirectUri: string;
  codeVerifier: Secret | null;
  scopes: readonly string[];
}

export type ProbeResult =
  | {
      result: 'success' | 'failed';
      message: string;
      responseTimeMs: number;
      account: ProviderAccount | null;
      httpStatus: number | null;
    }
  | { result: 'skipped'; message: string; responseTimeMs: 0; account: null; httpStatus: null };

/** A token response that another program received. */
export interface ReceivedResponse {
  /** Body as it was received: JSON or form-encoded. */
  body: string;
  /** Null if unknown: lifetimes then count from now. */
  receivedAt: Date | null;
  /** Values that the callback or the caller named beside the response. */
  captured: Record<string, unknown>;
}

/** `unreadable`: the response brings no token. The reason is a sentence about the response and quotes no token. */
export type ReceivedTokens =
  | { kind: 'read'; response: RefreshResponse; expiresAt: Date | null; refreshExpiresAt: Date | null }
  | { kind: 'unreadable'; reason: string };

/**
 * State of a circuit breaker.
 * - closed: calls are made.
 * - open: calls are held back, because earlier ones failed.
 * - half_open: one call at a time tests whether the endpoint works again.
 * The first call after the pause moves `open` to `half_open`, so an endpoint without calls stays open.
 */
export type CircuitState = 'closed' | 'open' | 'half_open';

export interface EndpointCircuit {
  /** A token endpoint's URL without its query. */
  endpoint: string;
  state: CircuitState;
  /** Time of the last change of state, or of the first call. */
  since: Date;
  /** Time from which a trial call may move it to half_open; null unless it is open. */
  retryAt: Date | null;
}

/** Circuits of the token endpoints that this process called recently. */
export interface ProviderCircuits {
  circuits(): EndpointCircuit[];
}

/**
 * Calls providers over OAuth. Every call has a deadline and throws ProviderFailure. `refresh` and
 * `requestClientCredentials` are held back, unsent, while their endpoint fails or throttles this connection.
 */
export interface OAuthGateway {
  /** Lists faults of settings that cannot work: missing or forbidden URLs, unknown variables, an unsupported flow. */
  validate(settings: ConnectionSettings): { path: string; message: string }[];
  /**
   * Lists why the effective method cannot use a client secret: an unreadable key, a wrong kind of key. Never quotes it.
   */
  secretFaults(settings: ConnectionSettings, secret: Secret): { path: string; message: string }[];
  /** Returns the effective URLs: the connection's own, else the template's with its variables filled in. */
  endpoints(settings: ConnectionSettings): {
    authorizationUrl: string | null;
    tokenUrl: string | null;
    revocationUrl: string | null;
    testUrl: string | null;
  };
  /** Returns null when the provider does not use PKCE. */
  createCodeVerifier(settings: ConnectionSettings): Secret | null;
  authorizationUrl(settings: ConnectionSettings, request: AuthorizationRequest): Promise<string>;
  /**
   * Throws ProviderFailure (class refused) for a wrong or missing `iss`, repeated parameters, or a code with an error.
   */
  readCallback(settings: ConnectionSettings, parameters: URLSearchParams, state: string): AuthorizationResponse;
  exchangeCode(client: OAuthClient, exchange: CodeExchange): Promise<TokenResponse>;
  /** Reads a token response that was received elsewhere, by the same rules as one of this provider. Calls no provider. */
  readReceived(settings: ConnectionSettings, received: ReceivedResponse): ReceivedTokens;
  /** `sibling`: the name of the second token set that `held` is. */
  refresh(
    client: OAuthClient,
    held: TokenSet,
    scopes: readonly string[],
    priority?: CallPriority,
    sibling?: string,
  ): Promise<RefreshResponse>;
  requestClientCredentials(
    client: OAuthClient,
    scopes: readonly string[],
    priority?: CallPriority,
  ): Promise<TokenResponse>;
  /**
   * Returns the failure with which a refresh that a reader waits for would be held back now: a pause of the connection or
   * an open circuit, as this process knows them. Calls no provider and changes nothing.
   */
  heldBack(client: Pick<OAuthClient, 'caller' | 'settings'>): ProviderFailure | undefined;
  /** Revokes tokens (RFC 7009). Returns true if the provider confirms, false if it has no revocation endpoint. */
  revoke(client: OAuthClient, tokens: TokenSet): Promise<boolean>;
  /**
   * Calls the provider's API with the access token. With a `priority` the call takes its turn: it is skipped, unsent, while
   * the API fails, has asked this connection to slow down, or has no free place in time.
   */
  probe(client: OAuthClient, tokens: TokenSet, priority?: CallPriority): Promise<ProbeResult>;
}

export interface ProviderCatalogue {
  find(id: string): ProviderTemplate | undefined;
  list(): readonly ProviderTemplate[];
  /** Finds the template that an authorization URL belongs to, by its host. */
  detect(authorizationUrl: string): ProviderTemplate | undefined;
}
