import type { TestProbe } from '../../domain/connections/template.ts';
import type { ProviderAccount, TokenSet } from '../../domain/grants/token-set.ts';
import type { ProbeResult } from '../../domain/ports/oauth.ts';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import type { OutboundResponse } from '../../outbound/http-types.ts';
import { isHeldBack } from '../../outbound/network-failure.ts';
import type { Provider } from '../providers/resolve-provider.ts';
import { refusalFailure } from '../responses/classification.ts';
import { readAccount } from '../responses/normalize-token-response.ts';
import { parseResponseBody, type ResponseMembers } from '../responses/parse-response-body.ts';
import { withRetries } from './retry.ts';
import type { TokenDependencies } from './send-token-request.ts';
import { lowerCased } from './shape-request.ts';

/** Makes a call when it is its turn. Throws if the call is held back. */
export type TakeTurn = <T>(make: () => Promise<T>) => Promise<T>;

/** Calls the provider's API with the access token. A failure of the provider is a result and never an exception. */
export async function probeToken(
  { http, timing, now }: TokenDependencies,
  timeoutMs: number,
  provider: Provider,
  tokens: TokenSet,
  inTurn: TakeTurn = (make) => make(),
): Promise<ProbeResult> {
  const { probe } = provider;
  if (probe === null) return skipped('No call is known that would test a token of this provider.');
  if (!scopesPermit(provider, probe))
    return skipped('The scopes of this connection do not reach the call that tests a token.');
  let started = performance.now();
  const finish = (
    result: 'success' | 'failed',
    message: string,
    account: ProviderAccount | null,
    httpStatus: number | null,
  ) => ({
    result,
    message,
    responseTimeMs: Math.round(performance.now() - started),
    account,
    httpStatus,
  });
  try {
    const attempt = async (deadline: number) => {
      const received = await http.send(request(probe, tokens), deadline);
      const { status, retryAfter } = received;
      // Throwing repeats the call. Any other status is evaluated below, without another try.
      if (status === 429 || status >= 500) {
        const { template } = provider;
        const secrets = [tokens.accessToken];
        throw refusalFailure(
          { status, retryAfter, body: received.body },
          { template, isRefresh: false, secrets, now: now() },
        );
      }
      return received;
    };
    const response = await inTurn(() => {
      // The wait for its turn takes nothing from the time of the call.
      started = performance.now();
      const deadline = started + timeoutMs;
      return withRetries('any', timing, deadline, () => attempt(deadline));
    });
    const { status } = response;
    const body = parseApiBody(response.body);
    if (!isAccepted(response, body))
      return finish(
        'failed',
        `The provider answered the test call with status ${status} and refused the token.`,
        null,
        status,
      );
    return finish('success', 'The provider accepted the token.', readAccount(body, {}, probe), status);
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    if (isHeldBack(error))
      return skipped(heldBackMessages[error.facts.class === 'throttled' ? 'throttled' : 'failing']);
    return finish('failed', error.message, null, error.facts.httpStatus);
  }
}

function request(probe: TestProbe, tokens: TokenSet) {
  return {
    method: probe.method,
    url: probe.url,
    headers: {
      accept: 'application/json',
      ...(probe.body !== null && { 'content-type': 'application/json' }),
      ...lowerCased(probe.headers),
      // The token is never in the query: servers log URLs (RFC 6750 §5.3).
      [probe.tokenHeader.toLowerCase()]: [probe.tokenScheme, tokens.accessToken.reveal()]
        .filter((part) => part !== null)
        .join(' '),
    },
    body: probe.body,
  };
}

/** Parses the response of an API, which may be a list: `0.id` is then the id of its first element. */
function parseApiBody(body: string | null): ResponseMembers | null {
  if (body === null || !/^\s*\[/.test(body)) return parseResponseBody(body);
  try {
    return { ...(JSON.parse(body) as unknown[]) };
  } catch {
    return null;
  }
}

/** Some providers refuse with status 200 and `ok: false` in the body. */
function isAccepted({ status }: OutboundResponse, body: ResponseMembers | null): boolean {
  return status >= 200 && status < 300 && body?.ok !== false;
}

/** Returns true if the connection requests no scopes: the provider then chooses them and may have granted any. */
function scopesPermit({ settings }: Provider, probe: TestProbe): boolean {
  const requested = settings.scopes;
  return probe.scopes.length === 0 || requested.length === 0 || probe.scopes.some((scope) => requested.includes(scope));
}

const heldBackMessages = {
  throttled: 'The token was not tested: the provider asked this client to slow down, or too many tests were waiting.',
  failing: 'The token was not tested: the API of the provider failed several times in a row.',
};

function skipped(message: string): ProbeResult {
  return { result: 'skipped', message, responseTimeMs: 0, account: null, httpStatus: null };
}
