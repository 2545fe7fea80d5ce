import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { AdapterFactory, Configuration } from 'oidc-provider';

export interface Lifetimes {
  accessTokenSeconds: number;
  refreshTokenSeconds: number;
}

/** Claims of the accounts. */
export interface Accounts {
  /** Value of the claim `groups` of scope `groups`; undefined leaves it out. */
  groupsOf?: (accountId: string) => unknown;
  /** Default: userinfo. */
  claimsIn?: 'userinfo' | 'id_token';
}

const daySeconds = 86_400;

/** Makes keys at each call. Reads `lifetimes` for every token: a change applies to the next one. */
export function oauthServerConfiguration(
  adapter: AdapterFactory,
  lifetimes: Lifetimes,
  requiresPkce = true,
  { groupsOf = () => undefined, claimsIn = 'userinfo' }: Accounts = {},
): Configuration {
  const signing = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  return {
    adapter,
    jwks: { keys: [{ ...signing, use: 'sig', alg: 'RS256' }] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups', 'calendar', 'drive'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email'], groups: ['groups'] },
    conformIdTokenClaims: claimsIn === 'userinfo',
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: `Account ${id}`, email: `${id}@example.test`, groups: groupsOf(id) }),
    }),
    pkce: { required: () => requiresPkce },
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
