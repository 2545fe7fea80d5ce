import { type Browser, createBrowser, decodeEntities, type Page } from '../../test/support/browser/browser.ts';
import { signIn } from '../../test/support/oauth-server/sign-in.ts';
import { check } from './narrated-api.ts';
import type { Stage } from './stage.ts';

export const connectionName = 'demo';

/** Registers an application at the provider and creates a connection for it, as an administrator does once. */
export async function createConnection({ narrator, provider, api }: Stage): Promise<void> {
  const { clientId, clientSecret } = await provider.registerClient();
  narrator.note('The provider gave us a client_id and a client_secret.');
  const connection = await api.post(
    '/connections',
    {
      connection_name: connectionName,
      client_id: clientId,
      client_secret: clientSecret,
      authorization_url: provider.endpoints.authorization,
      token_url: provider.endpoints.token,
      revocation_url: provider.endpoints.revocation,
      test_url: provider.endpoints.userinfo,
      scopes: ['openid', 'profile', 'offline_access'],
      authorize_params: { prompt: 'consent' },
    },
    { status: 201, show: ['connection_name', 'has_client_secret', 'redirect_uri', 'status'] },
  );
  check(connection.status === 'not_connected', `a new connection is ${connection.status}`);
  check(!JSON.stringify(connection).includes(clientSecret), 'the response contains the client secret');
  await provider.addRedirectUri(clientId, connection.redirect_uri);
  narrator.fact(
    'The redirect_uri of the response is registered at the provider. The response does not contain the secret.',
  );
}

/** Follows one authorization from the link to the outcome page. */
export async function connectAs(stage: Stage, login: string, organization?: string): Promise<void> {
  const { narrator, api } = stage;
  const scope = organization === undefined ? {} : { organization };
  const authorization = await api.post(`/connections/${connectionName}/authorize`, undefined, scope);
  const page = await narrator.wait(
    `${login} opens the link`,
    signIn(createBrowser(), authorization.authorization_url, { login }),
  );
  showRedirects(stage, page, login);
  check(page.status === 200, `the callback responded with ${page.status}: ${textOf(page)}`);
  const outcome = await api.get(`/authorizations/${authorization.state}`, {
    ...scope,
    show: ['status', 'connection_name', 'account_id'],
  });
  check(
    outcome.status === 'completed',
    `the authorization ended as ${outcome.status} (${String(outcome.status_reason)}): ${textOf(page)}`,
  );
}

export async function connect(stage: Stage): Promise<void> {
  await connectAs(stage, 'ada');
  stage.narrator.fact('Connected. The broker has exchanged the code, tested the token and sealed it.');
}

/** A person denies access: the authorization fails with a reason, and no grant exists. */
export async function refuse(stage: Stage, browser: Browser = createBrowser()): Promise<void> {
  const { narrator, api } = stage;
  const authorization = await api.post(`/connections/${connectionName}/authorize`, { subject: 'mallory' });
  const page = await signIn(browser, authorization.authorization_url, { login: 'mallory', decision: 'deny' });
  narrator.note(`The page says: ${textOf(page)}`);
  const outcome = await api.get(`/authorizations/${authorization.state}`, {
    show: ['status', 'status_reason', 'subject'],
  });
  check(outcome.status === 'failed' && outcome.status_reason === 'user_denied', `a refusal ended as ${outcome.status}`);
  await api.get(`/credentials/${connectionName}?subject=mallory`, { status: 404, show: ['status', 'code'] });
  narrator.fact('A refused authorization leaves no grant behind.');
}

function showRedirects({ narrator, provider, broker }: Stage, page: Page, login: string): void {
  const names = new Map([
    [provider.issuer, 'provider'],
    [broker.url, 'broker'],
  ]);
  for (const { method, url, status } of page.hops) {
    const path = url.pathname.replace(/[\w-]{20,}/g, '…');
    narrator.response(`${method.padEnd(4)} ${(names.get(url.origin) ?? url.origin).padEnd(8)} ${path} → ${status}`);
  }
  narrator.note(`${login} signed in, allowed access, and reads: ${textOf(page)}`);
}

/** Returns the visible text of a page on one line. */
function textOf(page: Page): string {
  const visible = page.body
    .replace(/<(style|script|head)\b[\s\S]*?<\/\1>/gi, '')
    .replace(/<\/dt>/gi, ': ')
    .replace(/<\/(h1|p|dd)>/gi, ' · ')
    .replace(/<[^>]+>/g, '');
  return `“${decodeEntities(visible)
    .replace(/\s+/g, ' ')
    .replace(/( · )+\s*$/, '')
    .trim()}”`;
}
