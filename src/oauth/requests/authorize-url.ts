import { calculatePKCECodeChallenge } from 'oauth4webapi';
import type { AuthorizationRequest } from '../../domain/ports/oauth.ts';
import { isProtocolName } from '../providers/protocol-names.ts';
import { type Provider, requireUrl } from '../providers/resolve-provider.ts';
import { renderText } from '../providers/template-urls.ts';
import { renameParameters } from './shape-request.ts';

/** Characters that an unencoded value may contain: in a query (RFC 3986 §3.4) they neither end nor split the value. */
const urlSafe = /^[A-Za-z0-9\-._~!$'()*,;:@/?]*$/;

/** Builds the authorization URL (RFC 6749 §4.1.1) with PKCE (RFC 7636 §4.3). Protocol parameters replace extra ones. */
export async function buildAuthorizationUrl(provider: Provider, request: AuthorizationRequest): Promise<string> {
  const url = new URL(requireUrl(provider.authorizationUrl, 'authorization URL'));
  const { template } = provider;
  const parameters = renameParameters(await standardParameters(provider, request), template.renamedParams);
  if (template.authorizeParamsIn === 'fragment') {
    const separator = url.hash.includes('?') ? '&' : '?';
    return `${url.href}${url.hash === '' ? '#' : ''}${separator}${encode(parameters, template.unencodedParams)}`;
  }
  // Our parameters replace those of the configured URL: no parameter is sent twice.
  const kept = new URLSearchParams([...url.searchParams].filter(([name]) => !parameters.has(name)));
  url.hash = '';
  url.search = '';
  const query = [encode(kept, []), encode(parameters, template.unencodedParams)].filter((part) => part !== '');
  return `${url.href}?${query.join('&')}`;
}

async function standardParameters(
  { template, settings }: Provider,
  request: AuthorizationRequest,
): Promise<URLSearchParams> {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(template.authorizeParams)) {
    const rendered = renderText(template, settings.variables, value);
    if (rendered !== undefined) parameters.set(name, rendered);
  }
  for (const [name, value] of Object.entries(settings.authorizeParams)) {
    if (!isProtocolName(name)) parameters.set(name, value);
  }
  if (request.loginHint !== null) parameters.set('login_hint', request.loginHint);
  if (request.prompt !== null) parameters.set('prompt', request.prompt);
  if (request.scopes.length > 0) parameters.set('scope', request.scopes.join(template.scopeSeparator));
  parameters.set('response_type', 'code');
  parameters.set('client_id', settings.clientId);
  parameters.set('redirect_uri', request.redirectUri);
  parameters.set('state', request.state);
  if (request.codeVerifier !== null) {
    parameters.set('code_challenge', await calculatePKCECodeChallenge(request.codeVerifier.reveal()));
    parameters.set('code_challenge_method', 'S256');
  }
  return parameters;
}

/** Encodes a space as %20, which every server understands. Some servers do not read `+` as a space. */
function encode(parameters: URLSearchParams, unencoded: readonly string[]): string {
  return [...parameters]
    .map(([name, value]) => {
      const asIs = unencoded.includes(name) && urlSafe.test(value);
      return `${encodeURIComponent(name)}=${asIs ? value : encodeURIComponent(value)}`;
    })
    .join('&');
}
