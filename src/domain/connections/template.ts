import type { FailureClass } from '../provider-failure.ts';
import type { Flow, TokenAuthMethod } from './connection.ts';
import type { ValuePath } from './value-path.ts';

export type TokenKind = 'refresh_token' | 'access_token';

/**
 * Extent of a revocation at the provider. nothing: the provider has no revocation endpoint. token: only the token that is
 * sent. grant: all tokens of that authorization. every_grant_of_the_person: all tokens that the client holds for that
 * person, of other connections too.
 */
export const revocationExtents = ['nothing', 'token', 'grant', 'every_grant_of_the_person'] as const;

export type RevocationExtent = (typeof revocationExtents)[number];

/** A call that shows whether an access token works and which account it belongs to. */
export interface TestProbe {
  method: 'GET' | 'POST';
  url: string;
  headers: Record<string, string>;
  /** Header that carries the access token. */
  tokenHeader: string;
  /** Word before the access token in that header; null: the token alone. */
  tokenScheme: string | null;
  /** JSON body of a POST. */
  body: string | null;
  /**
   * Scopes of which any one permits the call; empty permits every token. A connection that requests none is not probed.
   */
  scopes: readonly string[];
  accountId: ValuePath | null;
  accountName: ValuePath | null;
}

/** Locations of a second token set in the token response. It is refreshed by itself, as the main one is. */
export interface SiblingPaths {
  accessToken: ValuePath;
  refreshToken: ValuePath | null;
  tokenType: ValuePath | null;
  /** Lifetime of the access token, in the unit of `expiry`. */
  expiresIn: ValuePath | null;
  scope: ValuePath | null;
}

/** Meaning of one refusal of a provider. It applies if the status and the member at `path` are as it says. */
export interface FailureRule {
  status: number | null;
  path: ValuePath | null;
  /** Value of the member. Null: any value, or the one that `matches` describes. */
  equals: string | number | boolean | null;
  /** Anchored pattern of the whole member, which may be free text. */
  matches: string | null;
  class: Exclude<FailureClass, 'refused'>;
  /** Sentence that tells a person what to do. */
  detail: string | null;
}

/** One provider as data: its deviations from plain RFC 6749. No code refers to a provider by name. */
export interface ProviderTemplate {
  id: string;
  /** Other ids under which connections may name this template. */
  aliases: readonly string[];
  displayName: string;
  documentationUrl: string | null;
  /** Sentences for the person who registers the client at the provider, in the order of the work. */
  setupNotes: readonly string[];
  flows: readonly Flow[];
  authorizationUrl: string | null;
  tokenUrl: string | null;
  refreshUrl: string | null;
  /** Placeholders of the URLs above, each with an anchored pattern. */
  variables: Record<string, { pattern: string; default: string | null; description: string }>;
  /** Expected `iss` of the callback (RFC 9207). issRequired makes `iss` mandatory. */
  issuer: string | null;
  issRequired: boolean;
  pkce: boolean;
  defaultScopes: readonly string[];
  scopeSeparator: string;
  /** Maps names under which the provider grants a scope to the name that is requested. */
  scopeAliases: Readonly<Record<string, string>>;
  /** Prefix that a granted scope may have and the requested one may lack, or the other way round. */
  scopePrefix: string | null;
  authorizeParams: Record<string, string>;
  /** Part of the authorization URL that carries its parameters. Some providers read the fragment. */
  authorizeParamsIn: 'query' | 'fragment';
  /** Parameters of the authorization URL whose value is not percent-encoded (`,` and `:` stay). */
  unencodedParams: readonly string[];
  /** Parameters added to every code exchange and client_credentials request. */
  tokenParams: Record<string, string>;
  refreshParams: Record<string, string>;
  tokenAuthMethod: TokenAuthMethod;
  /** `aud` of client assertions under private_key_jwt. Falls back to the token URL when the issuer is unknown. */
  clientAssertionAudience: 'token_url' | 'issuer';
  requestBody: 'form' | 'json' | 'query';
  requestHeaders: Record<string, string>;
  /** Renames request parameters (`client_id` → `client_key`); null drops the parameter. */
  renamedParams: Record<string, string | null>;
  /** Name of the callback parameter that holds the code. */
  codeParam: string;
  /** Renewal of a token: the standard refresh grant, or an exchange of the access token itself. */
  refresh: { strategy: 'refresh_token' } | { strategy: 'exchange_access_token'; grantType: string; tokenParam: string };
  sendScopeOnRefresh: boolean;
  response: {
    /** Member and value that a successful token response must have. */
    success: { path: ValuePath; equals: string | number | boolean } | null;
    /** Maps members of the standard token response to this provider's location. */
    map: Record<string, ValuePath>;
    error: ValuePath | null;
    /** Maps names in `extra` to locations in the token response. */
    extra: Record<string, ValuePath>;
    /** Second token sets of the token response, by the name under which `extra` serves each. */
    siblings: Readonly<Record<string, SiblingPaths>>;
    /** Maps names in `extra` to query parameters of the callback. */
    callbackExtra: Record<string, string>;
    accountId: ValuePath | null;
    accountName: ValuePath | null;
  };
  expiry: {
    defaultLifetimeSeconds: number | null;
    unit: 'seconds' | 'milliseconds';
    /** Member that holds an absolute instant (ISO 8601, or seconds or milliseconds since the epoch). */
    absolute: ValuePath | null;
  };
  refreshToken: {
    rotates: boolean | null;
    lifetimeDays: number | null;
    /** Whether lifetimeDays count from the person's consent or from the issue of each refresh token. */
    lifetimeCounts: 'from_consent' | 'from_issue';
    idleDays: number | null;
  };
  revocation: {
    url: string;
    /**
     * rfc7009: form POST with client authentication. json: the same request as JSON. bearer: the access token
     * authenticates the request. path, query: the token is in the URL, without client authentication.
     */
    style: 'rfc7009' | 'json' | 'bearer' | 'path' | 'query';
    /** Method of the styles bearer, path and query; rfc7009 and json always use POST. */
    method: 'POST' | 'DELETE' | 'GET';
    /** Token kinds the endpoint accepts. The bearer style always uses the access token. */
    tokens: readonly TokenKind[];
  } | null;
  /** Tells a person what a revocation ends at the provider, and what it leaves; null if that is not known. */
  revocationEnds: { what: RevocationExtent; sentence: string } | null;
  test: TestProbe | null;
  /** Documented capacity of the token endpoint; null when unknown. */
  limits: { concurrency: number | null; requestsPerMinute: number | null };
  /** Circuit breaker settings for a failing endpoint; null uses the broker's default. */
  circuit: { failures: number | null; openSeconds: number | null; successes: number | null };
  /** Meanings of refusals, tried in order before the general rules. */
  failures: readonly FailureRule[];
  /** Error codes equivalent to invalid_grant. */
  terminalErrors: readonly string[];
  /** Error codes equivalent to invalid_client. */
  clientErrors: readonly string[];
  /** Hosts of authorization URLs that identify this provider for a connection without a template. */
  detect: readonly string[];
}
