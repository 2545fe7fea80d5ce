import type { ConnectionSettings } from '../domain/connections/connection.ts';
import { isKnownOrigin, type MovableUrl, type UrlOrigins } from '../domain/connections/url-origins.ts';
import type { OAuthGateway } from '../domain/ports/oauth.ts';

/** Tells whether tokens or client secrets that came under the origins `known` may be sent to a URL in force. */
export function mayReceive(
  oauth: Pick<OAuthGateway, 'endpoints'>,
  url: MovableUrl,
  settings: ConnectionSettings,
  known: UrlOrigins,
): boolean {
  const standard = oauth.endpoints({ ...settings, testUrl: null, revocationUrl: null });
  return isKnownOrigin(url, settings, known, standard);
}

/** Message of a test that is skipped because the test URL moved after the grant was authorized. */
export const testUrlMoved =
  'The test URL was moved to another host after this grant was authorized, so its token is not sent there. Authorize or import the grant again to test it.';
