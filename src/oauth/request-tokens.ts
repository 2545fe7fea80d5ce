import type { CallOrder } from '../domain/ports/oauth.ts';
import type { TokenAnswer } from '../domain/token-set.ts';
import { hasSoundTokens, type ParsedAnswer, toCanonical, toTokenAnswer } from './canonical-answer.ts';
import { readMembers } from './granting-answer.ts';
import type { GuardedHttp } from './guarded-http.ts';
import { unreadable } from './network-failure.ts';
import { callProtocol, type ProtocolCall, type ProtocolContext, type ProtocolDependencies } from './protocol-call.ts';
import { isProtocolName } from './protocol-names.ts';
import type { Provider } from './resolve-provider.ts';
import type { RetryRule } from './retry.ts';
import { renderText } from './template-urls.ts';
import type { TokenEndpoints } from './token-endpoints.ts';

export interface TokenDependencies extends ProtocolDependencies {
  now: () => Date;
}

export interface GuardedTokenDependencies extends TokenDependencies {
  endpoints: TokenEndpoints;
}

export interface TokenRequest extends Pick<ProtocolCall<TokenAnswer>, 'client' | 'templateParameters' | 'run'> {
  provider: Provider;
  url: string;
  retry: RetryRule;
  scopes: readonly string[];
  sendScopes?: boolean;
  captured?: ParsedAnswer;
}

/** One request for tokens in any of its forms: what goes along, and what the answer comes to. */
export function requestTokens(deps: TokenDependencies, request: TokenRequest): Promise<TokenAnswer> {
  const { provider, scopes } = request;
  const { template, settings } = provider;
  const additional = new URLSearchParams();
  if (request.sendScopes && scopes.length > 0) additional.set('scope', scopes.join(template.scopeSeparator));
  for (const [name, value] of Object.entries(settings.tokenParams)) {
    if (!isProtocolName(name)) additional.set(name, value);
  }
  // An id_token can be judged only by who knows its issuer; a stray one would fail an answer that is good without it.
  const keepIdToken = provider.issuer !== null && scopes.includes('openid');
  return callProtocol(deps, {
    provider: { ...provider, tokenUrl: request.url },
    client: request.client,
    retry: request.retry,
    templateParameters: renderParameters(provider, request.templateParameters),
    read: (answer) => {
      const members = readMembers(answer, provider, deps.now());
      const shown = toCanonical(members, template, keepIdToken, deps.now());
      if (!hasSoundTokens(shown)) throw unreadable(answer.status);
      return { result: toTokenAnswer(members, template, request.captured ?? {}, deps.now()), shown };
    },
    run: (context: ProtocolContext) =>
      request.run({ ...context, options: { ...context.options, additionalParameters: additional } }),
  });
}

/** The same where nobody waits at a browser: not made while the endpoint fails, asked for a pause, or is busy. */
export function requestTokensInTurn(
  deps: GuardedTokenDependencies,
  order: CallOrder,
  request: TokenRequest,
): Promise<TokenAnswer> {
  const { url, client, provider } = request;
  const caller = { clientId: client.settings.clientId, template: provider.template, order };
  return deps.endpoints.at(url).call(caller, ({ leftMs, countAnotherRequest }) => {
    let isFirst = true;
    const send: GuardedHttp['send'] = (outbound, deadline) => {
      if (!isFirst) countAnotherRequest();
      isFirst = false;
      return deps.http.send(outbound, deadline);
    };
    const timing = { ...deps.timing, callCapMs: leftMs };
    return requestTokens({ ...deps, http: { ...deps.http, send }, timing }, request);
  });
}

function renderParameters(
  { template, settings }: Provider,
  parameters: Record<string, string>,
): Record<string, string> {
  const rendered = Object.entries(parameters).map(
    ([name, value]) => [name, renderText(template, settings.variables, value)] as const,
  );
  return Object.fromEntries(rendered.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
