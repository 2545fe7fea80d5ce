import type { RefreshResponse } from '../../domain/grants/token-set.ts';
import type { CallPriority } from '../../domain/ports/oauth.ts';
import type { GuardedHttp } from '../../outbound/guarded-http.ts';
import type { OutboundResponse } from '../../outbound/http-types.ts';
import { isProtocolName } from '../providers/protocol-names.ts';
import type { Provider } from '../providers/resolve-provider.ts';
import { renderText } from '../providers/template-urls.ts';
import type { EndpointGuards } from '../throttling/endpoint-guards.ts';
import { callProtocol, type ProtocolCall, type ProtocolContext, type ProtocolDependencies } from './protocol-call.ts';
import type { RetryRule } from './retry.ts';

export interface TokenDependencies extends ProtocolDependencies {
  now: () => Date;
}

export interface GuardedTokenDependencies extends TokenDependencies {
  endpoints: EndpointGuards;
}

export interface TokenRequest<T extends RefreshResponse>
  extends Pick<ProtocolCall<T>, 'client' | 'templateParameters' | 'run'> {
  provider: Provider;
  url: string;
  retry: RetryRule;
  scopes: readonly string[];
  sendScopes?: boolean;
  /** Reads the token response. Throws ProviderFailure if nothing in it can be kept. */
  read(response: OutboundResponse): T;
}

/** Access token for the protocol core if the response has none: the core refuses a response without one. */
const placeholderToken = 'none';

/** Sends a token request of any grant type and reads the token response. */
export function sendTokenRequest<T extends RefreshResponse>(
  deps: ProtocolDependencies,
  request: TokenRequest<T>,
): Promise<T> {
  const { provider, scopes } = request;
  const { template, settings } = provider;
  const additional = new URLSearchParams();
  if (request.sendScopes && scopes.length > 0) additional.set('scope', scopes.join(template.scopeSeparator));
  for (const [name, value] of Object.entries(settings.tokenParams)) {
    if (!isProtocolName(name)) additional.set(name, value);
  }
  return callProtocol(deps, {
    provider: { ...provider, tokenUrl: request.url },
    client: request.client,
    retry: request.retry,
    templateParameters: renderParameters(provider, request.templateParameters),
    read: (response) => {
      const result = request.read(response);
      // The tokens were checked here. Nothing else in the response may refuse them, least of all an id_token.
      const access_token = result.tokens.accessToken?.reveal() ?? placeholderToken;
      return { result, canonical: { access_token, token_type: 'bearer' } };
    },
    run: (context: ProtocolContext) =>
      request.run({ ...context, options: { ...context.options, additionalParameters: additional } }),
  });
}

/**
 * Sends a token request through the endpoint guard, which holds it back if the endpoint fails, is paused or busy. Each
 * try takes a place of its own: a pause between tries holds none.
 */
export function sendGuardedTokenRequest<T extends RefreshResponse>(
  deps: GuardedTokenDependencies,
  priority: CallPriority,
  request: TokenRequest<T>,
): Promise<T> {
  const { url, client, provider } = request;
  const caller = { ...client.caller, template: provider.template, priority };
  return deps.endpoints.at(url).call(caller, (inTurn) => {
    const send: GuardedHttp['send'] = (outbound, deadline) => inTurn(() => deps.http.send(outbound, deadline));
    return sendTokenRequest({ ...deps, http: { ...deps.http, send } }, request);
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
