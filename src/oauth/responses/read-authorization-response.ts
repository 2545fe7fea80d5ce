import { AuthorizationResponseError, validateAuthResponse } from 'oauth4webapi';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import { cleanProviderText } from '../../domain/provider-text.ts';
import { refusedBeforeSending } from '../../outbound/network-failure.ts';
import type { Provider } from '../providers/resolve-provider.ts';
import { readErrorCode, unreadableCode } from './error-codes.ts';

/** An authorization response; `validated` holds the parameters in the form that the protocol core requires. */
export type ValidatedAuthorizationResponse =
  | { kind: 'code'; validated: URLSearchParams }
  | { kind: 'error'; error: string };

const tokenNames = ['access_token', 'refresh_token', 'id_token', 'token'];

/**
 * Reads an authorization response (RFC 6749 §4.1.2, RFC 9207 §2.4) from the callback's parameters. Throws
 * ProviderFailure (refused) for a response that no correct provider sends, even if it carries a code or an error.
 */
export function readAuthorizationResponse(
  provider: Provider,
  parameters: URLSearchParams,
  state: string,
): ValidatedAuthorizationResponse {
  const { codeParam } = provider.template;
  if (new Set(parameters.keys()).size !== parameters.size) {
    throw refusedBeforeSending('The callback repeats a parameter.');
  }
  if (tokenNames.some((name) => parameters.has(name))) throw refusedBeforeSending('The callback carries a token.');
  const code = parameters.get(codeParam) ?? '';
  const hasError = parameters.has('error');
  if (hasError && code !== '') throw refusedBeforeSending('The callback carries a code together with an error.');
  if (!hasError && code === '') throw refusedBeforeSending('The callback carries neither a code nor an error.');

  const standard = new URLSearchParams(parameters);
  if (code !== '') standard.set('code', code);
  const { issuer } = provider;
  if (issuer === null) standard.delete('iss');
  checkIssuer(provider, parameters, state);
  try {
    const server = {
      issuer: issuer ?? 'https://issuer.invalid',
      authorization_response_iss_parameter_supported: issuer !== null && provider.template.issRequired,
    };
    return {
      kind: 'code',
      validated: validateAuthResponse(server, { client_id: provider.settings.clientId }, standard, state),
    };
  } catch (error) {
    if (error instanceof AuthorizationResponseError) {
      return { kind: 'error', error: readErrorCode(error.error) ?? unreadableCode };
    }
    throw refusedBeforeSending('The callback does not match the authorization it answers.');
  }
}

/**
 * Checks `iss` (RFC 9207 §2.4): equal to the issuer, and present if the provider always sends it. If the issuer is
 * unknown, its origin must be that of the authorization URL.
 */
function checkIssuer(
  { issuer, authorizationUrl, template }: Provider,
  parameters: URLSearchParams,
  state: string,
): void {
  const iss = parameters.get('iss');
  if (issuer !== null) {
    if (iss === issuer || (!iss && !template.issRequired)) return;
  } else if (iss === null || authorizationUrl === null || originOf(iss) === originOf(authorizationUrl)) {
    return;
  }
  const expected = issuer ?? originOf(authorizationUrl ?? '') ?? '';
  const received = cleanProviderText(iss, [state, parameters.get(template.codeParam)]);
  const { message, facts } = refusedBeforeSending(
    'The callback does not name the issuer that was expected (RFC 9207).',
  );
  throw new ProviderFailure(message, { ...facts, issuers: { expected, received } });
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}
