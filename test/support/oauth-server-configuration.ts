import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { AdapterFactory, Configuration } from 'oidc-provider';

export interface Lifetimes {
  accessTokenSeconds: number;
  refreshTokenSeconds: number;
}

const daySeconds = 86_400;

/** Keys are made at each start. `lifetimes` is read at each issue, so that changing it changes the next token. */
export function oauthServerConfiguration(adapter: AdapterFactory, lifetimes: Lifetimes): Configuration {
  const signing = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  return {
    adapter,
    jwks: { keys: [{ ...signing, use: 'sig', alg: 'RS256' }] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'calendar', 'drive'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: `Account ${id}`, email: `${id}@example.test` }),
    }),
    pkce: { required: () => true },
    rotateRefreshToken: () => true,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_context, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: { enabled: false },
    },
    interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
    renderError: (context, out) => {
      context.type = 'text/plain';
      context.body = `${out.error}: ${out.error_description ?? ''}`;
    },
    ttl: {
      AccessToken: () => lifetimes.accessTokenSeconds,
      ClientCredentials: () => lifetimes.accessTokenSeconds,
      RefreshToken: () => lifetimes.refreshTokenSeconds,
      AuthorizationCode: 60,
      IdToken: 3600,
      Grant: 14 * daySeconds,
      Interaction: 3600,
      Session: 14 * daySeconds,
    },
  };
}
