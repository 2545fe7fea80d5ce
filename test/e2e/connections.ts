import { randomBytes } from 'node:crypto';
import { type Browser, type BrowserOptions, createBrowser, type Page } from '../support/browser.ts';
import { type Person, signIn } from '../support/sign-in.ts';
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

/** A connection of its own name, registered at the provider. */
export async function addConnection(
  { api, provider }: World,
  { organization, body = {} }: ConnectionOptions = {},
): Promise<TestConnection> {
  const name = `c-${randomBytes(5).toString('hex')}`;
  const client = await provider.registerClient();
  const answer = await api.post(
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
      ...body,
    },
    { organization },
  );
  if (answer.status !== 201) throw new Error(`creating ${name} answered ${answer.status} ${answer.text}`);
  await provider.addRedirectUri(client.clientId, answer.body.redirect_uri);
  return { name, ...client, organization, path: `/connections/${name}`, credential: `/credentials/${name}` };
}

export interface Trip {
  link: string;
  state: string;
}

/** Asks for a link; `organization` is who asks, by default the connection's owner. */
export async function startTrip(
  { api }: World,
  connection: TestConnection,
  body?: Record<string, unknown>,
  organization = connection.organization,
): Promise<Trip> {
  const answer = await api.post(`${connection.path}/authorize`, body, { organization });
  if (answer.status !== 200) throw new Error(`authorize answered ${answer.status} ${answer.text}`);
  return { link: answer.body.authorization_url, state: answer.body.state };
}

/** The whole trip of a person who says yes. */
export async function connect(
  world: World,
  connection: TestConnection,
  login: string,
  organization = connection.organization,
): Promise<Page> {
  const { link } = await startTrip(world, connection, undefined, organization);
  const page = await signIn(createBrowser(), link, { login });
  if (page.status !== 200 || !page.body.includes('Connected'))
    throw new Error(`not connected: ${page.status} ${page.body}`);
  return page;
}

/** A person who has been at the provider, in front of the callback: its URL, not yet opened, and their browser. */
export async function walkToCallback(
  trip: Trip,
  person: Person = { login: 'ada' },
  options: BrowserOptions = {},
): Promise<{ browser: Browser; callback: URL }> {
  const browser = createBrowser(options);
  const page = await signIn(browser, trip.link, person, (url) => url.pathname.includes('/callback/'));
  if (page.location === null)
    throw new Error(`the provider did not send the browser back: ${page.status} ${page.body}`);
  return { browser, callback: page.location };
}

/** Puts a token set of the provider's into a connection; `expiresInSeconds` is what the broker is told. */
export async function importGrant(
  { api, provider }: World,
  connection: TestConnection,
  expiresInSeconds: number,
  body: Record<string, unknown> = {},
): Promise<{ grantId: string; accessToken: string }> {
  const { accessToken, refreshToken } = await provider.issueTokens(connection.clientId, 'imported');
  const answer = await api.post(
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
  if (answer.status !== 201) throw new Error(`import answered ${answer.status} ${answer.text}`);
  return { grantId: answer.body.grant_id, accessToken };
}
