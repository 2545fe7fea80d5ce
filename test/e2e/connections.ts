import { randomBytes } from 'node:crypto';
import { type Browser, type BrowserOptions, createBrowser, type Page } from '../support/browser/browser.ts';
import { type Person, signIn } from '../support/oauth-server/sign-in.ts';
import type { World } from './world.ts';

export interface TestConnection {
  name: string;
  clientId: string;
  clientSecret: string;
  organization: string | undefined;
  path: string;
  credential: string;
}

export interface ConnectionOptions {
  organization?: string;
  body?: Record<string, unknown>;
}

/** Creates a connection with a unique name, and registers its client and redirect URI at the provider. */
export async function addConnection(
  { api, provider }: World,
  { organization, body = {} }: ConnectionOptions = {},
): Promise<TestConnection> {
  const name = `c-${randomBytes(5).toString('hex')}`;
  const client = await provider.registerClient();
  const response = await api.post(
    '/connections',
    {
      connection_name: name,
      client_id: client.clientId,
      client_secret: client.clientSecret,
      authorization_url: provider.endpoints.authorization,
      token_url: provider.endpoints.token,
      revocation_url: provider.endpoints.revocation,
      test_url: provider.endpoints.userinfo,
      scopes: ['openid', 'profile', 'offline_access'],
      authorize_params: { prompt: 'consent' },
      // Organisations import grants below the global connections of the tests.
      allow_import: organization === undefined,
      ...body,
    },
    { organization },
  );
  if (response.status !== 201) throw new Error(`creating ${name} answered ${response.status} ${response.text}`);
  await provider.addRedirectUri(client.clientId, response.body.redirect_uri);
  return { name, ...client, organization, path: `/connections/${name}`, credential: `/credentials/${name}` };
}

/** An authorization that was started and whose link is not yet opened. */
export interface StartedAuthorization {
  link: string;
  state: string;
}

/** Starts an authorization as `organization`, by default the owner of the connection. */
export async function startAuthorization(
  { api }: World,
  connection: TestConnection,
  body?: Record<string, unknown>,
  organization = connection.organization,
): Promise<StartedAuthorization> {
  const response = await api.post(`${connection.path}/authorize`, body, { organization });
  if (response.status !== 200) throw new Error(`authorize answered ${response.status} ${response.text}`);
  return { link: response.body.authorization_url, state: response.body.state };
}

/** Completes a whole authorization in which the person consents. */
export async function connect(
  world: World,
  connection: TestConnection,
  login: string,
  organization = connection.organization,
): Promise<Page> {
  const { link } = await startAuthorization(world, connection, undefined, organization);
  const page = await signIn(createBrowser(), link, { login });
  if (page.status !== 200 || !page.body.includes('Connected'))
    throw new Error(`not connected: ${page.status} ${page.body}`);
  return page;
}

/** Signs in and consents at the provider. Resolves to the browser and the callback URL, which is not yet requested. */
export async function walkToCallback(
  authorization: StartedAuthorization,
  person: Person = { login: 'ada' },
  options: BrowserOptions = {},
): Promise<{ browser: Browser; callback: URL }> {
  const browser = createBrowser(options);
  const page = await signIn(browser, authorization.link, person, (url) => url.pathname.includes('/callback/'));
  if (page.location === null)
    throw new Error(`the provider did not send the browser back: ${page.status} ${page.body}`);
  return { browser, callback: page.location };
}

/** Imports tokens of the provider into a connection. The broker receives `expiresInSeconds` as their lifetime. */
export async function importGrant(
  { api, provider }: World,
  connection: TestConnection,
  expiresInSeconds: number,
  body: Record<string, unknown> = {},
): Promise<{ grantId: string; accessToken: string }> {
  const { accessToken, refreshToken } = await provider.issueTokens(connection.clientId, 'imported');
  const response = await api.post(
    `${connection.path}/grants`,
    {
      access_token: accessToken,
      refresh_token: refreshToken,
      expires_at: new Date(Date.now() + expiresInSeconds * 1000).toISOString(),
      scopes: ['openid', 'offline_access'],
      ...body,
    },
    { organization: connection.organization },
  );
  if (response.status !== 201) throw new Error(`import answered ${response.status} ${response.text}`);
  return { grantId: response.body.grant_id, accessToken };
}
