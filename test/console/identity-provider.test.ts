import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBrowser, type Page } from '../support/browser/browser.ts';
import { type OidcScene, openOidcScene } from '../support/console/oidc-scene.ts';
import { type Person, signIn } from '../support/oauth-server/sign-in.ts';

const markup = '<img src=x onerror=alert(1)>';
let scene: OidcScene;
beforeAll(async () => {
  scene = await openOidcScene({ ada: ['staff', 'platform-team'], tim: ['staff', markup], eve: undefined });
});
afterAll(() => scene?.close());

const browserOf = () => createBrowser({ headers: { 'sec-fetch-site': 'same-origin' } });
const startUrl = (next?: string) =>
  `${scene.consoleUrl}/console/sign-in/provider${next === undefined ? '' : `?${new URLSearchParams({ next })}`}`;
const enter = (browser: ReturnType<typeof browserOf>, person: Person, next?: string) =>
  signIn(browser, startUrl(next), person);
const refreshOf = ({ body }: Pick<Page, 'body'>) =>
  /http-equiv="refresh" content="0; url=([^"]*)"/.exec(body)?.[1]?.replaceAll('&amp;', '&');
const isCallback = (url: URL) => url.pathname === '/console/sign-in/callback';
const auditOf = (action: string) =>
  scene.rows(`select actor, outcome, details from audit_events where action = '${action}' order by time`);
const sessions = async () => (await scene.rows('select 1 from console_sessions')).length;

describe('a person with a role', () => {
  test('goes from the button through the provider to the page that they wanted', async () => {
    const browser = browserOf();
    const next = '/console/connections?q=crm&organization=';
    const card = await browser.open(`${scene.consoleUrl}${next}`);
    const { host } = new URL(scene.identityProvider.issuer);
    const [, href = ''] = new RegExp(`href="([^"]*)">Sign in with ${host}<`).exec(card.body) ?? [];
    expect(href).toBe(`/console/sign-in/provider?${new URLSearchParams({ next })}`);

    const arrived = await enter(browser, { login: 'ada' }, next);
    expect(arrived).toMatchObject({ status: 200, location: null });
    expect(isCallback(arrived.url)).toBe(true);
    const page = await browser.open(`${scene.consoleUrl}${refreshOf(arrived)}`);
    expect(page.status, page.body).toBe(200);
    expect(`${page.url.pathname}${page.url.search}`).toBe(next);
    expect(page.body).toContain('Account ada');
    expect(await auditOf('session.opened')).toContainEqual({
      actor: `person:${scene.identityProvider.issuer}#ada`,
      outcome: 'success',
      details: { kind: 'person', name: 'Account ada', role: 'platform-*' },
    });
    const own = await browser.open(`${scene.consoleUrl}/console/sessions`);
    expect(own.body).toContain('platform-*');
    expect(own.body).not.toContain('create, change');
  });

  test('has the cookie of the sign-in until its response only, and a session that other sites cannot use', async () => {
    const browser = browserOf();
    const page = await enter(browser, { login: 'ada' });
    const [first] = page.hops;
    expect(first?.headers.get('set-cookie')).toMatch(
      /^token-broker-[\w-]{8}-sign-in=[^;]+; Max-Age=600; Path=\/console\/sign-in; HttpOnly; SameSite=Lax$/,
    );
    expect(page.headers.getSetCookie()).toEqual([
      expect.stringMatching(/-sign-in=; Max-Age=0; Path=\/console\/sign-in; HttpOnly; SameSite=Lax$/),
      expect.stringMatching(/-console=[\w-]{43}\.[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/),
    ]);
    expect(browser.cookies.all(new URL(startUrl())).map(({ name }) => name)).toEqual([
      expect.stringMatching(/-console$/),
    ]);
  });

  test('who is signed in is not sent to the provider again', async () => {
    const browser = browserOf();
    await enter(browser, { login: 'ada' });
    const page = await browser.send('GET', new URL(startUrl('/console/sessions')));
    expect(page).toMatchObject({ status: 303, location: new URL(`${scene.consoleUrl}/console/sessions`) });
  });
});

test('no secret of a sign-in is in the log, in a page or in the address of one', async () => {
  const browser = browserOf();
  const { location: response } = await signIn(browser, startUrl('/console/sessions'), { login: 'ada' }, isCallback);
  const [transaction = ''] = browser.cookies.all(new URL(startUrl())).map(({ value }) => decodeURIComponent(value));
  const arrived = await browser.open(response ?? '');
  const [session = ''] = browser.cookies.all(new URL(startUrl())).map(({ value }) => value);
  const page = await browser.open(`${scene.consoleUrl}${refreshOf(arrived)}`);
  const shown = [arrived, ...page.hops].flatMap(({ body, location }) => [body, location?.href ?? '']).join();
  const log = scene.broker.logs();
  expect(log).toContain('/console/sign-in/callback');
  const [, state, nonce, verifier] = transaction.split('.');
  const secrets = {
    state,
    nonce,
    verifier,
    code: response?.searchParams.get('code'),
    session,
    client: scene.clientSecret,
  };
  for (const [kind, secret] of Object.entries(secrets)) {
    expect(secret?.length, kind).toBeGreaterThan(20);
    expect(log.includes(secret ?? ''), `${kind} in the log`).toBe(false);
    expect(shown.includes(secret ?? ''), `${kind} in a page`).toBe(false);
  }
});

describe('a person without a role', () => {
  test.each([
    ['tim', ['staff', '&lt;img src=x onerror=alert(1)&gt;'], 'matches one of the values above'],
    ['eve', [], 'makes the identity provider send the claim'],
  ])('%s reads which claims came and what an administrator must configure', async (login, values, next) => {
    const before = await sessions();
    const browser = browserOf();
    const page = await enter(browser, { login });
    expect(page.status).toBe(403);
    expect(page.body).toContain(`<bdi>Account ${login}</bdi>`);
    expect(page.body).toContain('CONSOLE_OIDC_ROLES');
    expect(page.body).toContain(next);
    for (const text of ['groups', 'email', 'sub', ...values]) expect(page.body).toContain(text);
    expect(page.body).not.toContain(markup);
    expect(await sessions()).toBe(before);
    expect(await auditOf('session.refused')).toContainEqual({
      actor: `person:${scene.identityProvider.issuer}#${login}`,
      outcome: 'failure',
      details: { kind: 'person', name: `Account ${login}` },
    });
    expect((await browser.open(`${scene.consoleUrl}/console/sessions`)).body).toContain('Sign in');
  });
});

describe('a sign-in that fails', () => {
  test('a person who denies reads so, and keeps the page that they wanted', async () => {
    const page = await enter(browserOf(), { login: 'ada', decision: 'deny-login' }, '/console/sessions');
    expect(page.status).toBe(403);
    expect(page.body).toContain('The identity provider refused');
    expect(page.body).toContain('The person denied access.');
    expect(page.body).toContain('href="/console/sign-in?next=%2Fconsole%2Fsessions"');
  });

  test('a response without its cookie, in another browser, or for the second time opens no session', async () => {
    const victim = browserOf();
    const start = await victim.send('GET', new URL(startUrl()));
    const attacker = browserOf();
    const { location: response } = await signIn(attacker, startUrl(), { login: 'ada' }, isCallback);
    if (response === null) throw new Error('the provider sent the browser nowhere');
    const before = await sessions();
    for (const browser of [victim, browserOf()]) {
      const page = await browser.open(response);
      expect(page.status).toBe(400);
      expect(page.body).toContain('This sign-in has ended');
    }
    expect(start.status).toBe(303);
    expect(await sessions()).toBe(before);
    expect((await attacker.open(response)).status).toBe(200);
    expect(await sessions()).toBe(before + 1);
    expect((await attacker.open(response)).status).toBe(400);
    expect(await sessions()).toBe(before + 1);
  });

  test('while the provider is down, the page says so and offers the key', async () => {
    const browser = browserOf();
    const { location: response } = await signIn(browser, startUrl(), { login: 'ada' }, isCallback);
    await scene.identityProvider.setOutage('unavailable');
    const page = await browser.open(response ?? '');
    await scene.identityProvider.setOutage('none');
    expect(page.status).toBe(503);
    expect(page.body).toContain('An API key opens the console meanwhile');
  });
});
