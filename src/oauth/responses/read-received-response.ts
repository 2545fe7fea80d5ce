import type { ReceivedResponse, ReceivedTokens } from '../../domain/ports/oauth.ts';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import type { OutboundResponse } from '../../outbound/http-types.ts';
import type { Provider } from '../providers/resolve-provider.ts';
import { statesPastExpiry } from './lifetimes.ts';
import { mapMembers } from './normalize-token-response.ts';
import { parseResponseBody, type ResponseMembers } from './parse-response-body.ts';
import { readRefreshResponse } from './read-token-response.ts';
import { isMalformedToken } from './tokens.ts';

const tokenNames = ['access_token', 'refresh_token'] as const;

/**
 * Reads a token response that another program received, as if this provider had just sent it. Lifetimes and instants
 * count from the time at which it was received. If that time is unknown, an instant that has passed means expired.
 */
export function readReceivedResponse(
  provider: Provider | undefined,
  received: ReceivedResponse,
  now: Date,
): ReceivedTokens {
  if (provider === undefined) return unreadable('The provider template of this connection is not known.');
  const { body, captured } = received;
  const receivedAt = received.receivedAt ?? now;
  const parsed = parseResponseBody(body);
  if (parsed === null) return unreadable('It is neither a JSON object nor form-encoded text.');
  const members = mapMembers(parsed, provider.template);
  // A refresh would keep the earlier refresh token. An import has none, so the member must not get lost.
  if (isMalformedToken(members.refresh_token)) return unreadable(malformed('refresh_token'));
  try {
    const response = readRefreshResponse(asOutbound(body), null, { provider, captured, sent: [], now: receivedAt });
    const { expiry } = provider.template;
    const hasExpired =
      received.receivedAt === null &&
      statesPastExpiry(members, response.tokens.accessToken?.reveal() ?? null, expiry, now);
    return {
      kind: 'read',
      response,
      expiresAt: hasExpired ? now : after(receivedAt, response.lifetimeSeconds),
      refreshExpiresAt: after(receivedAt, response.refreshLifetimeSeconds),
    };
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return unreadable(reasonOf(error, provider, members));
  }
}

/** Builds the response that carried the body. Its Date header is gone: the time of receipt stands for it. */
function asOutbound(body: string): OutboundResponse {
  return { status: 200, contentType: '', retryAfter: null, date: null, body, isComplete: true };
}

function reasonOf({ facts }: ProviderFailure, { template }: Provider, members: ResponseMembers): string {
  const broken = tokenNames.find((name) => isMalformedToken(members[name]));
  if (broken !== undefined) return malformed(broken);
  if (facts.oauthError !== null) return `It is an error response of the provider: ${facts.oauthError}.`;
  const places = tokenNames.map((name) => template.response.map[name] ?? name);
  return `It has no access token and no refresh token (${places.join(', ')}).`;
}

function malformed(name: string): string {
  return `Its ${name} cannot be used: a token is a text of 1 to 65,536 printable ASCII characters.`;
}

function unreadable(reason: string): ReceivedTokens {
  return { kind: 'unreadable', reason };
}

function after(start: Date, seconds: number | null): Date | null {
  return seconds === null ? null : new Date(start.getTime() + seconds * 1000);
}
