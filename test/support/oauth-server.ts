import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AllClientMetadata, Provider } from 'oidc-provider';
import { type Lifetimes, oauthServerConfiguration } from './oauth-server-configuration.ts';
import { createPages } from './oauth-server-pages.ts';
import { createOAuthServerStore } from './oauth-server-store.ts';

/** How the server misbehaves: not at all, 503 for everything, nobody listening, or an answer that takes its time. */
export type Outage = 'none' | 'unavailable' | 'refused' | { slowMs: number };

export interface TokenRequest {
  grantType: string;
  clientId: string | null;
  status: number;
}

export type OAuthServer = Awaited<ReturnType<typeof startOAuthServer>>;

/**
 * A real authorization server on loopback: PKCE required, refresh tokens rotate and their reuse kills the grant,
 * revocation, client credentials, and a userinfo endpoint that tells a live access token from a dead one.
 * A refresh token is given for `offline_access` asked with `prompt=consent` (OpenID Connect Core §11).
 */
export async function startOAuthServer(initial: Partial<Lifetimes> = {}) {
  const lifetimes: Lifetimes = { accessTokenSeconds: 3600, refreshTokenSeconds: 86_400, ...initial };
  const tokenRequests: TokenRequest[] = [];
  let outage: Outage = 'none';
  let answer: RequestListener = (_request, response) => response.writeHead(503).end();

  const server = createServer((request, response) => {
    if (outage === 'unavailable') response.writeHead(503, { 'content-type': 'text/plain' }).end('down');
    else if (typeof outage === 'object') setTimeout(() => answer(request, response), outage.slowMs);
    else answer(request, response);
  });
  const port = await listen(server, 0);
  const issuer = `http://127.0.0.1:${port}`;
  const store = createOAuthServerStore();
  const provider = new Provider(issuer, oauthServerConfiguration(store.adapterOf, lifetimes));
  provider.use(async (context, next) => {
    await next();
    if (context.path !== '/token') return;
    const { params, client } = (context as Partial<typeof context> & { oidc?: TokenContext }).oidc ?? {};
    tokenRequests.push({
      grantType: params?.grant_type ?? 'unknown',
      clientId: client?.clientId ?? null,
      status: context.status,
    });
  });
  provider.use(createPages(provider));
  answer = provider.callback();

  async function registerClient(metadata: Partial<AllClientMetadata> = {}) {
    const clientId = `client-${randomBytes(6).toString('hex')}`;
    const clientSecret = randomBytes(32).toString('base64url');
    await store.adapterOf('Client').upsert(clientId, {
      client_id: clientId,
      client_secret: clientSecret,
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      response_types: ['code'],
      redirect_uris: [`${issuer}/unregistered`],
      token_endpoint_auth_method: 'client_secret_basic',
      ...metadata,
    });
    return { clientId, clientSecret };
  }

  async function addRedirectUri(clientId: string, redirectUri: string): Promise<void> {
    const clients = store.adapterOf('Client');
    const client = await clients.find(clientId);
    if (!client) throw new Error(`no client ${clientId}`);
    await clients.upsert(clientId, { ...client, redirect_uris: [...(client.redirect_uris ?? []), redirectUri] });
  }

  /** A token set made without a browser, for imports. */
  async function issueTokens(clientId: string, accountId: string, scope = 'openid offline_access') {
    const client = await provider.Client.find(clientId);
    if (client === undefined) throw new Error(`no client ${clientId}`);
    const grant = new provider.Grant({ clientId, accountId });
    grant.addOIDCScope(scope);
    const shared = { client, accountId, scope, grantId: await grant.save(), gty: 'authorization_code', claims: {} };
    const accessToken = await new provider.AccessToken(shared).save();
    const refreshToken = await new provider.RefreshToken(shared).save();
    return { accessToken, refreshToken, expiresIn: lifetimes.accessTokenSeconds };
  }

  async function setOutage(next: Outage): Promise<void> {
    if (next === 'refused' && server.listening) await close(server);
    if (next !== 'refused' && !server.listening) await listen(server, port);
    outage = next;
  }

  return {
    issuer,
    endpoints: {
      authorization: `${issuer}/auth`,
      token: `${issuer}/token`,
      revocation: `${issuer}/token/revocation`,
      userinfo: `${issuer}/me`,
    },
    registerClient,
    addRedirectUri,
    issueTokens,
    setOutage,
    /** Applies to tokens issued from now on. */
    setLifetimes(next: Partial<Lifetimes>): void {
      Object.assign(lifetimes, next);
    },
    /** Every request the token endpoint answered itself, in order; an outage answers none. */
    tokenRequests: tokenRequests as readonly TokenRequest[],
    countTokenRequests(grantType?: string): number {
      return tokenRequests.filter((request) => grantType === undefined || request.grantType === grantType).length;
    },
    /** What users do when they withdraw their consent: every refresh answers invalid_grant. */
    forgetRefreshTokens(): void {
      store.drop('RefreshToken');
    },
    /** Whether this server would still accept the token, asked as an API would; false when it cannot be reached. */
    async accepts(accessToken: string): Promise<boolean> {
      const userinfo = await provider.AccessToken.find(accessToken);
      return userinfo?.isValid === true || (await provider.ClientCredentials.find(accessToken))?.isValid === true;
    },
    async stop(): Promise<void> {
      if (server.listening) await close(server);
    },
  };
}

interface TokenContext {
  params?: { grant_type?: string };
  client?: { clientId: string };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the authorization server has no port');
  return address.port;
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}
