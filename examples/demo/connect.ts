import { type Browser, createBrowser, decodeEntities, type Page } from '../../test/support/browser.ts';
import { signIn } from '../../test/support/sign-in.ts';
import { check } from './narrated-api.ts';
import type { Stage } from './stage.ts';

export const connectionName = 'demo';

/** Registers an application at the provider and tells the broker about it, as an administrator does once. */
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
  check(!JSON.stringify(connection).includes(clientSecret), 'the answer gives the client secret away');
  await provider.addRedirectUri(clientId, connection.redirect_uri);
  narrator.fact('The redirect_uri of the answer is registered at the provider. The secret does not come back.');
}

/** One person, from the link to the outcome page. */
export async function connectAs(stage: Stage, login: string, organization?: string): Promise<void> {
  const { narrator, api } = stage;
  const scope = organization === undefined ? {} : { organization };
  const trip = await api.post(`/connections/${connectionName}/authorize`, undefined, scope);
  const page = await narrator.wait(
    `${login} opens the link`,
    signIn(createBrowser(), trip.authorization_url, { login }),
  );
  tellTrip(stage, page, login);
  check(page.status === 200, `the callback answered ${page.status}: ${textOf(page)}`);
  const outcome = await api.get(`/authorizations/${trip.state}`, {
    ...scope,
    show: ['status', 'connection_name', 'account_id'],
  });
  check(
    outcome.status === 'completed',
    `the trip ended as ${outcome.status} (${String(outcome.status_reason)}): ${textOf(page)}`,
  );
}

export async function connect(stage: Stage): Promise<void> {
  await connectAs(stage, 'ada');
  stage.narrator.fact('Connected. The broker has exchanged the code, tested the token and sealed it.');
}

/** Someone says no: the broker hears it, says so, and nothing is half-connected. */
export async function refuse(stage: Stage, browser: Browser = createBrowser()): Promise<void> {
  const { narrator, api } = stage;
  const trip = await api.post(`/connections/${connectionName}/authorize`, { subject: 'mallory' });
  const page = await signIn(browser, trip.authorization_url, { login: 'mallory', decision: 'deny' });
  narrator.note(`The page says: ${textOf(page)}`);
  const outcome = await api.get(`/authorizations/${trip.state}`, { show: ['status', 'status_reason', 'subject'] });
  check(outcome.status === 'failed' && outcome.status_reason === 'user_denied', `a refusal ended as ${outcome.status}`);
  await api.get(`/credentials/${connectionName}?subject=mallory`, { status: 404, show: ['status', 'code'] });
  narrator.fact('A refusal leaves no grant behind.');
}

function tellTrip({ narrator, provider, broker }: Stage, page: Page, login: string): void {
  const names = new Map([
    [provider.issuer, 'provider'],
    [broker.url, 'broker'],
  ]);
  for (const { method, url, status } of page.hops) {
    const path = url.pathname.replace(/[\w-]{20,}/g, '…');
    narrator.answer(`${method.padEnd(4)} ${(names.get(url.origin) ?? url.origin).padEnd(8)} ${path} → ${status}`);
  }
  narrator.note(`${login} signed in, allowed access, and reads: ${textOf(page)}`);
}

/** What a person reads on a page, on one line. */
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
