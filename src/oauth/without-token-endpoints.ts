import type { OAuthGateway } from '../domain/ports/oauth.ts';
import { refusedBeforeSending } from '../outbound/network-failure.ts';

/**
 * Replaces the calls to token and revocation endpoints by refusals, for a copy of an installation: a refresh would spend
 * the refresh token of the original, a code may end its grant, and a revocation would. Probes use access tokens only.
 */
export function withoutTokenEndpoints<Gateway extends OAuthGateway>(gateway: Gateway): Gateway {
  const refuse = async (): Promise<never> => {
    throw refusedBeforeSending('REFRESH_MODE is off: nothing is sent to token endpoints.');
  };
  return {
    ...gateway,
    refresh: refuse,
    requestClientCredentials: refuse,
    exchangeCode: refuse,
    revoke: async () => false,
  };
}
