import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AttackedConsole, openAttackedConsole } from '../support/console/attacked-console.ts';
import { addressOf, consoleRoutes } from '../support/console/console-routes.ts';
import { type HeldSession, type RawResponse, sameOrigin } from '../support/console/raw-client.ts';

let attacked: AttackedConsole;
let session: HeldSession;
/** Every page as a whole, by its address. */
const pages = new Map<string, RawResponse>();
let before: Record<string, unknown>;
let after: Record<string, unknown>;

const routes = await consoleRoutes();
const shown = routes.filter(({ method, access }) => method === 'GET' && access !== null);
const addresses = () =>
  shown.flatMap((route) => ['acme', undefined].map((each) => addressOf(route, attacked.places, each)));
const isHtml = ({ headers }: RawResponse) => headers['content-type']?.startsWith('text/html') ?? false;
const htmlPages = () => [...pages].filter(([, page]) => isHtml(page));

beforeAll(async () => {
  attacked = await openAttackedConsole();
  session = await attacked.signIn();
  before = await attacked.snapshot();
  for (const path of addresses()) {
    pages.set(path, await attacked.send({ path, headers: { cookie: session.cookie } }));
    await attacked.send({ method: 'HEAD', path, headers: { cookie: session.cookie } });
  }
  after = await attacked.snapshot();
});
afterAll(() => attacked?.close());

test('the pages are there: each answers, and most of them show what exists', () => {
  const failed = [...pages].filter(([, { status }]) => status >= 500 || status === 403);
  expect(failed.map(([path, { status, body }]) => [path, status, body])).toEqual([]);
  const found = [...pages.values()].filter(({ status }) => status === 200);
  expect(found.length).toBeGreaterThan(pages.size / 2);
});

test('opening a page, or asking for its headers, changes nothing and leaves no audit event', () => {
  expect(after).toEqual(before);
});

test('a page without a session shows nothing, and leads to the sign-in and back', async () => {
  const unknown = session.cookie.replace(session.id, 'x'.repeat(43));
  for (const path of addresses()) {
    for (const cookie of ['', unknown, 'a=b', `${session.cookie}x`]) {
      const response = await attacked.send({ path, headers: { ...sameOrigin, cookie } });
      expect([response.status, response.body, response.cookies], path).toEqual([303, '', []]);
      const next = new URL(response.headers.location ?? '', attacked.scene.url).searchParams.get('next') ?? '/console';
      expect(next).toBe(path === '/console/' ? '/console' : path);
    }
  }
});

test('every page has exactly this policy, no frame, no cache and no type of its own choice', () => {
  for (const [path, { headers, body }] of htmlPages()) {
    const [, nonce = ''] = /script-src 'nonce-([\w+/=]{24})'/.exec(String(headers['content-security-policy'])) ?? [];
    expect(headers, path).toMatchObject({
      'content-security-policy': [
        "default-src 'none'",
        `script-src 'nonce-${nonce}'`,
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        'trusted-types htmx',
      ].join('; '),
      'x-frame-options': 'DENY',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    });
    const scripts = body.match(/<script\b[^>]*>/g) ?? [];
    expect(scripts.length, path).toBeGreaterThan(0);
    for (const script of scripts) expect(script).toContain(`nonce="${nonce}"`);
    expect(body, path).not.toMatch(/\s(?:style|on\w+|hx-on[\w:-]*)\s*=\s*"|<style|javascript:|hx-\w+="js:/i);
    const used = [...body.matchAll(/hx-nonce="([^"]*)"/g)].map(([, value]) => value);
    expect(new Set(used).size, path).toBeLessThanOrEqual(1);
    for (const value of used) expect(value).toBe(nonce);
  }
});

test('no nonce serves two responses, not even of one page', async () => {
  const again = await attacked.send({ path: '/console/sessions', headers: { cookie: session.cookie } });
  const anonymous = await attacked.send({ path: '/console/sign-in' });
  const all = [...htmlPages().map(([, page]) => page), again, anonymous];
  const nonces = all.map(({ headers }) => /nonce-([^']+)/.exec(String(headers['content-security-policy']))?.[1]);
  expect(new Set(nonces).size).toBe(all.length);
});

test('errors and the sign-in have the headers of a page', async () => {
  for (const path of ['/console/no-such-page', '/console/sign-in', '/console/connections?status=bogus']) {
    const { headers } = await attacked.send({ path, headers: { cookie: path.includes('?') ? session.cookie : '' } });
    expect(headers['content-security-policy'], path).toContain("default-src 'none'; script-src 'nonce-");
    expect(headers).toMatchObject({ 'x-frame-options': 'DENY', 'cache-control': 'no-store' });
  }
});

test('files are kept for ever under an address that names their content, and are not guessed', async () => {
  const files = new Set(htmlPages().flatMap(([, { body }]) => body.match(/\/console\/assets\/[^"]+/g) ?? []));
  expect(files.size).toBe(routes.filter(({ method, path }) => method === 'GET' && path.includes('/assets/')).length);
  for (const path of files) {
    const { status, headers } = await attacked.send({ path });
    expect(status).toBe(200);
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['set-cookie']).toBeUndefined();
    const other = path.replace(/assets\/[^/]+/, 'assets/AAAAAAAAAAAAAAAA');
    expect((await attacked.send({ path: other })).status).toBe(404);
  }
  for (const path of ['/console/assets/../../package.json', '/console/assets/%2e%2e%2f%2e%2e%2fpackage.json']) {
    expect((await attacked.send({ path })).status).toBe(404);
  }
});

test('no secret is in a page, in an address or in the log', async () => {
  const stored = await attacked.scene.rows('select csrf_secret from console_sessions');
  const encryptionKey = (attacked.scene.env.ENCRYPTION_KEYS ?? '').split(':')[1] ?? '';
  const secrets: Record<string, string> = {
    ...attacked.secrets,
    'admin key': attacked.scene.adminKey,
    'session id': session.id,
    'encryption key': encryptionKey,
    ...Object.fromEntries(stored.map(({ csrf_secret }, at) => [`csrf secret ${at}`, String(csrf_secret)])),
  };
  const wrong = 'a-key-that-was-typed-into-the-sign-in';
  const sent = { method: 'POST', path: '/console/sign-in', headers: sameOrigin, form: { key: wrong } };
  const refused = await attacked.send(sent);
  expect(refused.status).toBe(401);
  const log = attacked.scene.broker.logs();
  expect(log).toContain('/console/connections/{name}');
  const places = [...pages, ['the refused sign-in', refused] as const].map(
    ([path, { body, headers }]) => [path, `${path} ${body} ${JSON.stringify(headers)}`] as const,
  );
  for (const [kind, secret] of Object.entries({ ...secrets, 'typed key': wrong })) {
    expect(secret.length).toBeGreaterThan(8);
    for (const [place, text] of [...places, ['the log', log] as const]) {
      expect(text.includes(secret), `${kind} in ${place}`).toBe(false);
    }
  }
  expect(log).not.toContain(session.csrf);
});

test('addresses of pages hold names only: none is logged with its query', () => {
  expect(attacked.scene.broker.logs()).not.toContain('organization=acme');
});
