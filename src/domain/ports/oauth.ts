import type { ConnectionSettings } from '../connection.ts';
import type { Secret } from '../secret.ts';
import type { ProviderTemplate } from '../template.ts';
import type { ProviderAccount, TokenAnswer, TokenSet } from '../token-set.ts';

/** A connection as the protocol needs it: settings, and the secret opened for the length of one call. */
export interface OAuthClient {
  settings: ConnectionSettings;
  /** Newest first; an older one is tried where the newest is rejected. Empty for a public client. */
  secrets: readonly Secret[];
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
 * A call that nobody waits for lets those pass that somebody waits for, as all do of which nothing is said. Asked while
 * the call waits for its turn: it moves ahead when somebody comes.
 */
export interface CallOrder {
  inBackground: boolean;
}

/** What the provider sent back with the browser, after RFC 6749 §4.1.2 and RFC 9207 were checked. */
export type CallbackAnswer = { kind: 'code' } | { kind: 'error'; error: string };

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

/**
 * closed: calls are made. open: the endpoint failed and is left alone. half_open: one call at a time tries whether it is
 * back. It leaves `open` with the first call after its pause, so an endpoint that nobody calls stays open.
 */
export type CircuitState = 'closed' | 'open' | 'half_open';

export interface EndpointCircuit {
  /** A token endpoint's URL without its query. */
  endpoint: string;
  state: CircuitState;
  /** When it became so, or was first called. */
  since: Date;
}

/** Which token endpoints this process called lately, and whether it still does. */
export interface ProviderCircuits {
  circuits(): EndpointCircuit[];
}

/**
 * The provider's side of OAuth. Every call has a deadline and throws ProviderFailure. `refresh` and
 * `requestClientCredentials` are held back, unsent, while their endpoint fails or asked this client_id for a pause.
 */
export interface OAuthGateway {
  /** Faults of a configuration that no provider could serve: missing or forbidden URLs, unknown variables, an unsupported flow. */
  validate(settings: ConnectionSettings): { path: string; message: string }[];
  /** Faults of a client secret that the method in force cannot use: a key that cannot be read, or another kind of key. Never quotes it. */
  secretFaults(settings: ConnectionSettings, secret: Secret): { path: string; message: string }[];
  /** The URLs in force: the connection's own, else the template's with its variables filled in. */
  endpoints(settings: ConnectionSettings): {
    authorizationUrl: string | null;
    tokenUrl: string | null;
    revocationUrl: string | null;
    testUrl: string | null;
  };
  /** Null where the provider takes no PKCE. */
  createCodeVerifier(settings: ConnectionSettings): Secret | null;
  authorizationUrl(settings: ConnectionSettings, request: AuthorizationRequest): Promise<string>;
  /** Throws ProviderFailure (class refused) on a wrong or missing iss, repeated parameters, or code together with error. */
  readCallback(settings: ConnectionSettings, parameters: URLSearchParams, state: string): CallbackAnswer;
  exchangeCode(client: OAuthClient, exchange: CodeExchange): Promise<TokenAnswer>;
  refresh(client: OAuthClient, held: TokenSet, scopes: readonly string[], order?: CallOrder): Promise<TokenAnswer>;
  requestClientCredentials(client: OAuthClient, scopes: readonly string[], order?: CallOrder): Promise<TokenAnswer>;
  /** RFC 7009; true where the provider confirmed, false where it has no such endpoint. */
  revoke(client: OAuthClient, tokens: TokenSet): Promise<boolean>;
  probe(client: OAuthClient, tokens: TokenSet): Promise<ProbeResult>;
}

export interface ProviderCatalogue {
  find(id: string): ProviderTemplate | undefined;
  list(): readonly ProviderTemplate[];
  /** The template an authorization URL points to, by its host. */
  detect(authorizationUrl: string): ProviderTemplate | undefined;
}
