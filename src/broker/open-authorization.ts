import type { TripStore } from '../domain/ports/callers.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { OAuthGateway } from '../domain/ports/oauth.ts';
import type { Tokens } from '../domain/ports/tokens.ts';
import { ProviderFailure } from '../domain/provider-failure.ts';
import { openVerifier } from './sealing.ts';

/** What opening the link leads to. `browserId` is to be kept in the browser's cookie. */
export type OpenedAuthorization = { kind: 'redirect'; url: string } | { kind: 'refused'; message: string };

/** Binds the browser to the trip (the latest opener wins) and says where the provider is. */
export type OpenAuthorization = (state: string, browserId: string) => Promise<OpenedAuthorization>;

export interface OpenAuthorizationDeps {
  trips: Pick<TripStore, 'bind'>;
  oauth: Pick<OAuthGateway, 'authorizationUrl'>;
  cipher: Cipher;
  tokens: Pick<Tokens, 'sha256Text'>;
  clock: () => Date;
}

export function createOpenAuthorization({
  trips,
  oauth,
  cipher,
  tokens,
  clock,
}: OpenAuthorizationDeps): OpenAuthorization {
  return async (state, browserId) => {
    const found = await trips.bind(tokens.sha256Text(state), tokens.sha256Text(browserId), clock());
    if (found === undefined) return refused('This link is unknown, has expired, or has already been used.');
    const { authorization, connection } = found;
    if (authorization.configVersion !== connection.configVersion) {
      return refused('The connection has been changed since this link was made.');
    }
    const { redirectUri, scopes, loginHint, prompt } = authorization;
    const codeVerifier = openVerifier(cipher, authorization);
    const request = { state, redirectUri, scopes, codeVerifier, loginHint, prompt };
    try {
      return { kind: 'redirect', url: await oauth.authorizationUrl(connection.settings, request) };
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      return { kind: 'refused', message: error.message };
    }
  };
}

/** A new link is the remedy for all of these. */
function refused(message: string): OpenedAuthorization {
  return { kind: 'refused', message: `${message} Ask for a new link where you got this one.` };
}
