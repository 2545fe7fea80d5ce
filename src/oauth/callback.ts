import { AuthorizationResponseError, validateAuthResponse } from 'oauth4webapi';
import { readErrorCode } from './classification.ts';
import { refusedBeforeSending } from './network-failure.ts';
import type { Provider } from './resolve-provider.ts';

export type ReadCallback = { kind: 'code'; validated: URLSearchParams } | { kind: 'error'; error: string };

const tokenNames = ['access_token', 'refresh_token', 'id_token', 'token'];

/** RFC 6749 §4.1.2 and RFC 9207 §2.4. What is wrong in a way that no honest provider would be is refused, whichever answer it carries. */
export function readCallback(provider: Provider, parameters: URLSearchParams, state: string): ReadCallback {
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
  checkUnknownIssuer(provider, parameters.get('iss'));
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
      return { kind: 'error', error: readErrorCode(error.error) ?? 'unreadable_error' };
    }
    throw refusedBeforeSending('The callback does not match the authorization it answers (state or iss).');
  }
}

/** Where nobody knows the issuer, an `iss` must at least come from the host that people were sent to. */
function checkUnknownIssuer({ issuer, authorizationUrl }: Provider, iss: string | null): void {
  if (issuer !== null || iss === null || authorizationUrl === null) return;
  if (!URL.canParse(iss) || new URL(iss).origin !== new URL(authorizationUrl).origin) {
    throw refusedBeforeSending('The callback does not match the authorization it answers (iss).');
  }
}
