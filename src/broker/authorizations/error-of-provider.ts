import { cleanProviderText } from '../../domain/provider-text.ts';

/** Error of an authorization response, cleaned for pages, the API and the audit trail. */
export interface ErrorOfProvider {
  /** Null if the parameter is not a code. */
  code: string | null;
  description: string | null;
}

/**
 * Reads `error` and `error_description` (RFC 6749 §4.1.2.1). Leaves out a text that repeats the state or the code. Leaves
 * `error_uri` out: a link that anyone may have written must not be followed.
 */
export function errorOfProvider(
  parameters: URLSearchParams,
  error: string | null = parameters.get('error'),
): ErrorOfProvider {
  const secrets = [parameters.get('state'), parameters.get('code')];
  const code = cleanProviderText(error, secrets);
  const description = cleanProviderText(parameters.get('error_description'), secrets);
  return { code: code !== null && /^[\w.-]{1,64}$/.test(code) ? code : null, description };
}
