import type { Flow, TokenAuthMethod } from './connection.ts';

/** Where a value is found in a token response or a probe's answer: dotted member names; of alternatives (`a.b|c`) the first that is there. */
export type ValuePath = string;

export type TokenKind = 'refresh_token' | 'access_token';

/** A call that tells whether an access token works, and whose it is. */
export interface TestProbe {
  method: 'GET' | 'POST';
  url: string;
  headers: Record<string, string>;
  /** JSON text sent with a POST. */
  body: string | null;
  /** Scopes any one of which lets the call pass; a connection that asks for others only is not probed. Empty: any token passes. */
  scopes: readonly string[];
  accountId: ValuePath | null;
  accountName: ValuePath | null;
}

/** One provider, as data: every way it deviates from plain RFC 6749. Nothing in code knows a provider by name. */
export interface ProviderTemplate {
  id: string;
  displayName: string;
  documentationUrl: string | null;
  flows: readonly Flow[];
  authorizationUrl: string | null;
  tokenUrl: string | null;
  refreshUrl: string | null;
  /** Placeholders in the URLs above, each with an anchored pattern. */
  variables: Record<string, { pattern: string; default: string | null; description: string }>;
  /** `iss` is compared with it (RFC 9207); required at the callback where issRequired. */
  issuer: string | null;
  issRequired: boolean;
  pkce: boolean;
  defaultScopes: readonly string[];
  scopeSeparator: string;
  authorizeParams: Record<string, string>;
  /** Where the authorization URL carries its parameters; some providers read them behind the `#`. */
  authorizeParamsIn: 'query' | 'fragment';
  /** Parameters of the authorization URL whose value is written as it is (`,` and `:` stay), not percent-encoded. */
  unencodedParams: readonly string[];
  /** Added to every code exchange and client_credentials request. */
  tokenParams: Record<string, string>;
  refreshParams: Record<string, string>;
  tokenAuthMethod: TokenAuthMethod;
  /** `aud` of the client's assertions under private_key_jwt; the token URL also where nobody knows the issuer. */
  clientAssertionAudience: 'token_url' | 'issuer';
  requestBody: 'form' | 'json' | 'query';
  requestHeaders: Record<string, string>;
  /** Request parameters under another name (`client_id` → `client_key`); null drops the parameter. */
  renamedParams: Record<string, string | null>;
  /** Name of the callback parameter that holds the code. */
  codeParam: string;
  /** How a token is renewed: the standard grant, or by exchanging the access token itself. */
  refresh: { strategy: 'refresh_token' } | { strategy: 'exchange_access_token'; grantType: string; tokenParam: string };
  sendScopeOnRefresh: boolean;
  response: {
    /** An answer counts as success only where this member has this value. */
    success: { path: ValuePath; equals: string | number | boolean } | null;
    /** Member of the canonical answer → where this provider puts it. */
    map: Record<string, ValuePath>;
    error: ValuePath | null;
    /** Name in `extra` → where it is found in the token response. */
    extra: Record<string, ValuePath>;
    /** Name in `extra` → name of the callback's query parameter. */
    callbackExtra: Record<string, string>;
    accountId: ValuePath | null;
    accountName: ValuePath | null;
  };
  expiry: {
    defaultLifetimeSeconds: number | null;
    unit: 'seconds' | 'milliseconds';
    /** Member holding an absolute instant (ISO 8601, or seconds or milliseconds since the epoch). */
    absolute: ValuePath | null;
  };
  refreshToken: { rotates: boolean | null; lifetimeDays: number | null; idleDays: number | null };
  revocation: {
    url: string;
    /**
     * rfc7009: form POST with client authentication; json: the same as JSON; bearer: the access token as its own proof;
     * path, query: the token in the URL, and nobody authenticates.
     */
    style: 'rfc7009' | 'json' | 'bearer' | 'path' | 'query';
    /** The other styles than rfc7009 and json, which are always POST. */
    method: 'POST' | 'DELETE';
    /** Which tokens the endpoint takes; bearer takes the access token whatever stands here. */
    tokens: readonly TokenKind[];
  } | null;
  test: TestProbe | null;
  /** What the token endpoint bears; null where nobody says. */
  limits: { concurrency: number | null; requestsPerMinute: number | null };
  /** When to stop calling an endpoint that fails, and for how long; null where the broker's own rule serves. */
  circuit: { failures: number | null; openSeconds: number | null; successes: number | null };
  /** OAuth error codes that mean what invalid_grant means. */
  terminalErrors: readonly string[];
  /** Error codes that mean what invalid_client means. */
  clientErrors: readonly string[];
  /** Hosts of authorization URLs by which a connection without a template is recognised. */
  detect: readonly string[];
}
