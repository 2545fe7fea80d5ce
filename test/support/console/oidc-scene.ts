import { openSceneOn, type Scene } from '../../security/scene.ts';
import { type OAuthServer, startOAuthServer } from '../oauth-server/server.ts';
import { startBroker } from '../processes/broker-process.ts';
import { freePort } from '../processes/free-port.ts';

/** A service whose people sign in with a real identity provider. */
export interface OidcScene extends Scene {
  identityProvider: OAuthServer;
  clientSecret: string;
  /** Base of the pages as a browser reaches them: another site than that of the provider. */
  consoleUrl: string;
}

/** Values of the claim `groups` by the name that a person signs in with. */
export type Groups = Record<string, unknown>;

const platformRole = {
  value: 'platform-*',
  permissions: ['connections:read', 'admin:read'],
  organizations: '*',
  global: true,
};

export async function openOidcScene(groups: Groups, env: Record<string, string> = {}): Promise<OidcScene> {
  const accounts = { groupsOf: (id: string) => groups[id], claimsIn: 'id_token' } as const;
  const identityProvider = await startOAuthServer({}, { accounts });
  const port = await freePort();
  const consoleUrl = `http://localhost:${port}`;
  const { clientId, clientSecret } = await identityProvider.registerClient({
    redirect_uris: [`${consoleUrl}/console/sign-in/callback`],
  });
  const scene = await openSceneOn((options) => startBroker({ ...options, port }), {
    PUBLIC_URL: consoleUrl,
    LOG_LEVEL: 'debug',
    CONSOLE_OIDC_ISSUER: identityProvider.issuer,
    CONSOLE_OIDC_CLIENT_ID: clientId,
    CONSOLE_OIDC_CLIENT_SECRET: clientSecret,
    CONSOLE_OIDC_ROLES: JSON.stringify({ claim: 'groups', allow_private_network: true, roles: [platformRole] }),
    ...env,
  });
  const { close } = scene;
  return Object.assign(scene, {
    identityProvider,
    clientSecret,
    consoleUrl,
    async close() {
      await close();
      await identityProvider.stop();
    },
  });
}
