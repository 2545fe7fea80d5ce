import type { ProbeResult } from '../domain/ports/oauth.ts';
import { ProviderFailure } from '../domain/provider-failure.ts';
import type { TestProbe } from '../domain/template.ts';
import type { ProviderAccount, TokenSet } from '../domain/token-set.ts';
import { parseAnswerBody } from './answer-body.ts';
import { readAccount } from './canonical-answer.ts';
import { refusalFailure } from './classification.ts';
import type { OutboundAnswer } from './outbound.ts';
import type { TokenDependencies } from './request-tokens.ts';
import type { Provider } from './resolve-provider.ts';
import { withRetries } from './retry.ts';

/** Calls the provider's API with the token, as a service would. Never throws for what the provider does. */
export async function probeToken(
  { http, timing, now }: TokenDependencies,
  timeoutMs: number,
  provider: Provider,
  tokens: TokenSet,
): Promise<ProbeResult> {
  const { probe } = provider;
  if (probe === null) return skipped('No call is known that would test a token of this provider.');
  if (!scopesReach(provider, probe))
    return skipped('The scopes of this connection do not reach the call that tests a token.');
  const started = performance.now();
  const deadline = started + timeoutMs;
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
    const answer = await withRetries('any', timing, deadline, async () => {
      const received = await http.send(request(probe, tokens), deadline);
      // Only what may pass by itself is worth another try; the rest is judged below.
      if (received.status === 429 || received.status >= 500) {
        throw refusalFailure(
          { status: received.status, error: null, retryAfter: received.retryAfter },
          provider.template,
          now(),
        );
      }
      return received;
    });
    const body = parseAnswerBody(answer.body);
    if (!accepted(answer, body))
      return finish(
        'failed',
        `The provider answered the test call with status ${answer.status} and refused the token.`,
        null,
        answer.status,
      );
    return finish('success', 'The provider accepted the token.', readAccount(body, {}, probe), answer.status);
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
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
      ...probe.headers,
      // In the header, never in the query: URLs end up in logs (RFC 6750 §5.3).
      authorization: `Bearer ${tokens.accessToken.reveal()}`,
    },
    body: probe.body,
  };
}

/** Some providers refuse with 200 and say so only in the body. */
function accepted(answer: OutboundAnswer, body: Record<string, unknown> | null): boolean {
  return answer.status >= 200 && answer.status < 300 && body?.ok !== false;
}

/** A connection that asks for no scopes leaves them to the provider, and any may have been granted. */
function scopesReach({ settings }: Provider, probe: TestProbe): boolean {
  const asked = settings.scopes;
  return probe.scopes.length === 0 || asked.length === 0 || probe.scopes.some((scope) => asked.includes(scope));
}

function skipped(message: string): ProbeResult {
  return { result: 'skipped', message, responseTimeMs: 0, account: null, httpStatus: null };
}
