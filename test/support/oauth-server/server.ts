import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { type AllClientMetadata, Provider } from 'oidc-provider';
import { type Accounts, type Lifetimes, oauthServerConfiguration } from './configuration.ts';
import { createPages } from './pages.ts';
import { createOAuthServerStore } from './store.ts';
import { refuseUnknownParameters } from './unknown-parameters.ts';

/** none: the server works. unavailable: 503 for every request. refused: it does not listen. slowMs: delay of each response. */
export type Outage = 'none' | 'unavailable' | 'refused' | { slowMs: number };

export interface TokenRequest {
  grantType: string;
  clientId: string | null;
  status: number;
}

export type OAuthServer = Awaited<ReturnType<typeof startOAuthServer>>;

export interface ServerOptions {
  pkce?: 'required' | 'refused';
  host?: string;
  accounts?: Accounts;
}

/**
 * Starts a real authorization server, on loopback unless `host` names another address. It requires PKCE, rotates refresh tokens, and revokes the grant when
 * one is reused. It has revocation, client credentials, and a userinfo endpoint that checks access tokens. It issues a
 * refresh token for scope `offline_access` with `prompt=consent` (OpenID Connect Core §11). With `pkce: 'refused'` it
 * replies 400 to the parameters of PKCE, as to any that RFC 6749 does not have.
 */
export async function startOAuthServer(
  initial: Partial<Lifetimes> = {},
  { pkce = 'required', host = '127.0.0.1', accounts }: ServerOptions = {},
) {
  const lifetimes: Lifetimes = { accessTokenSeconds: 3600, refreshTokenSeconds: 86_400, ...initial };
  const tokenRequests: TokenRequest[] = [];
  let outage: Outage = 'none';
  let handle: RequestListener = (_request, response) => response.writeHead(503).end();

  const server = createServer((request, response) => {
    if (outage === 'unavailable') response.writeHead(503, { 'content-type': 'text/plain' }).end('down');
    else if (typeof outage === 'object') setTimeout(() => handle(request, response), outage.slowMs);
    else handle(request, response);
  });
  const port = await listen(server, 0, host);
  const issuer = `http://${host}:${port}`;
  const store = createOAuthServerStore();
  const provider = new Provider(
    issuer,
    oauthServerConfiguration(store.adapterOf, lifetimes, pkce === 'required', accounts),
  );
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
  if (pkce === 'refused') provider.use(refuseUnknownParameters);
  provider.use(createPages(provider));
  handle = provider.callback();

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

  /** Issues a token set without a browser, for imports. */
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
    if (next !== 'refused' && !server.listening) await listen(server, port, host);
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
    /** Every request that the token endpoint answered, in order. Requests during an outage do not reach it. */
    tokenRequests: tokenRequests as readonly TokenRequest[],
    countTokenRequests(grantType?: string): number {
      return tokenRequests.filter((request) => grantType === undefined || request.grantType === grantType).length;
    },
    /** Acts as if every user withdrew consent: each refresh fails with invalid_grant. */
    forgetRefreshTokens(): void {
      store.drop('RefreshToken');
    },
    /** Ends every access token before its time and tells no client, as a provider does that detects a leak. */
    forgetAccessTokens(): void {
      store.drop('AccessToken');
    },
    /** True if the token is one of this server's and still valid. */
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

async function listen(server: Server, port: number, host: string): Promise<number> {
  server.listen(port, host);
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
