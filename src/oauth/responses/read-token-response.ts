import type { RefreshResponse, TokenResponse } from '../../domain/grants/token-set.ts';
import type { ProviderFailure } from '../../domain/provider-failure.ts';
import { Secret } from '../../domain/secret.ts';
import type { OutboundResponse } from '../../outbound/http-types.ts';
import { unreadable } from '../../outbound/network-failure.ts';
import { valueAt } from '../providers/value-path.ts';
import { classify, refusalFailure } from './classification.ts';
import { mapMembers, type ReadingContext, readMetadata } from './normalize-token-response.ts';
import { isWholeJson, parseResponseBody, type ResponseMembers } from './parse-response-body.ts';
import { isMalformedToken, readToken } from './tokens.ts';

/**
 * Reads the response to a code exchange or a client_credentials request. Throws ProviderFailure for a refusal, including
 * one with status 200, and for a response without usable tokens.
 */
export function readTokenResponse(response: OutboundResponse, context: ReadingContext): TokenResponse {
  const { members, isRefused, mayLackTokens, failure } = readMembers(response, context, false);
  const accessToken = readToken(members.access_token);
  if (isRefused || accessToken === null || isMalformedToken(members.refresh_token)) throw failure();
  if (mayLackTokens && readToken(members.refresh_token) === null) throw failure();
  const metadata = readMetadata(members, accessToken, response, context);
  return { ...metadata, tokens: { ...metadata.tokens, accessToken: new Secret(accessToken) } };
}

/**
 * Reads the response to a refresh. A refresh token other than the `sent` one is kept whatever else is wrong with the
 * response, because the sent one may be spent. Throws ProviderFailure if nothing in the response can be kept.
 */
export function readRefreshResponse(
  response: OutboundResponse,
  sent: Secret | null,
  context: ReadingContext,
): RefreshResponse {
  const { members, isRefused, mayLackTokens, failure } = readMembers(response, context, true);
  const accessToken = readToken(members.access_token);
  const refreshToken = readToken(members.refresh_token);
  // Some providers repeat the request in a refusal. The token that was sent is no new one.
  const isNew = refreshToken !== null && refreshToken !== sent?.reveal();
  if (!isNew && (isRefused || mayLackTokens || accessToken === null)) throw failure();
  const metadata = readMetadata(members, accessToken, response, context);
  return {
    ...metadata,
    tokens: { ...metadata.tokens, accessToken: accessToken === null ? null : new Secret(accessToken) },
  };
}

interface ReadMembers {
  /** Members under their standard names. */
  members: ResponseMembers;
  /** Whether the body refuses the request although its status grants it. */
  isRefused: boolean;
  /** Whether the body broke off, so that a refresh token may have been in the part that is missing. */
  mayLackTokens: boolean;
  /** Failure of a response that brings no tokens. */
  failure: () => ProviderFailure;
}

/** Throws ProviderFailure for a status other than 2xx, and for a body without members. */
function readMembers(response: OutboundResponse, context: ReadingContext, isRefresh: boolean): ReadMembers {
  const { provider, sent, now } = context;
  const { template } = provider;
  const { status, retryAfter } = response;
  const raw = parseResponseBody(response.body, response.isComplete);
  const refusalContext = { template, isRefresh, now, ...(sent !== undefined && { sent }) };
  const refusal = () => refusalFailure({ status, retryAfter, body: response.body }, refusalContext);
  if (status < 200 || status >= 300) throw refusal();
  if (raw === null) throw unreadable(status, !response.isComplete);
  const { success } = template.response;
  const isRefused = raw.ok === false || (success !== null && valueAt(raw, success.path) !== success.equals);
  const members = mapMembers(raw, template);
  const hasAccessToken = typeof members.access_token === 'string' && members.access_token !== '';
  return {
    members,
    isRefused,
    mayLackTokens: !response.isComplete && !isWholeJson(response.body),
    failure: () => {
      const isRefusal = isRefused || (!hasAccessToken && classify(response, refusalContext).saysError);
      return isRefusal ? refusal() : unreadable(status, !response.isComplete);
    },
  };
}
