import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBrowser, type Hop } from '../support/browser/browser.ts';
import { json } from '../support/provider/hostile-provider.ts';
import {
  addConnection,
  callbackUrl,
  expectStatus,
  openAuthorization,
  openScene,
  type Scene,
  scriptCorrectReplies,
  type TestConnection,
} from './scene.ts';

let scene: Scene;
let connection: TestConnection;
beforeAll(async () => {
  scene = await openScene({ CONFIRM_PAGE: 'subject' });
  connection = await addConnection(scene, { organization: 'acme' });
});
afterAll(() => scene?.close());

async function start(body: Record<string, unknown>): Promise<{ link: URL; state: string }> {
  const response = await scene.api.post(`${connection.path}/authorize`, body, { organization: 'acme' });
  const { authorization_url: link, state } = expectStatus(response, 200).body;
  return { link: new URL(link), state };
}
const rowOf = async () =>
  JSON.stringify(await scene.rows('select row_to_json(a) from authorizations a order by created_at desc limit 1'));
const isAtProvider = (url: URL) => url.origin === scene.provider.origin;
const tokenOf = ({ body }: Hop) => /name="page_token" value="([^"]+)"/.exec(body)?.[1] ?? '';

describe('the page before the provider', () => {
  test('names organisation, subject, connection and provider, runs no script and cannot be framed', async () => {
    const { link } = await start({ subject: 'user-42', subject_label: '<img src=x onerror=1> "Ada" & \u202eco' });
    const page = await createBrowser().send('GET', link);
    expect(page.status).toBe(200);
    for (const text of ['acme', 'user-42', connection.name, 'Go on only if you started this'])
      expect(page.body).toContain(text);
    expect(page.body).toContain(
      '<bdi>&lt;img src=x onerror=1&gt; &quot;Ada&quot; &amp; \u202eco</bdi> (<bdi>user-42</bdi>)',
    );
    expect(page.body).not.toMatch(/<script|<img/);
    const policy = page.headers.get('content-security-policy');
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('cache-control')).toBe('no-store');
  });

  test('scanners, previews and prefetchers that open the link change nothing, and the person still connects', async () => {
    const { link, state } = await start({ subject: 'user-42' });
    const before = await rowOf();
    const sent = scene.provider.received.length;
    for (const method of ['HEAD', 'GET', 'GET', 'OPTIONS']) {
      const hop = await createBrowser({ headers: { 'sec-purpose': 'prefetch' } }).send(method, link);
      expect(hop.location).toBeNull();
    }
    expect(await rowOf()).toBe(before);
    expect(scene.provider.received).toHaveLength(sent);
    const browser = createBrowser();
    const provider = await browser.submit(await browser.send('GET', link), {}, isAtProvider);
    expect(provider.status).toBe(303);
    expect(provider.location?.origin).toBe(scene.provider.origin);
    const outcome = await browser.send('GET', callbackUrl(connection, { state, code: 'a-code' }));
    expect(outcome.body).toContain('Connected');
  });

  test('a form without the token of this browser shows the page again and binds nothing', async () => {
    const { link } = await start({ subject: 'user-42' });
    const attacker = createBrowser();
    const stolen = tokenOf(await attacker.send('GET', link));
    const victim = createBrowser();
    const own = tokenOf(await victim.send('GET', link));
    const other = tokenOf(await victim.send('GET', (await start({ subject: 'x' })).link));
    const before = await rowOf();
    const attempts: [string, ReturnType<typeof createBrowser>][] = [
      [stolen, victim],
      [other, victim],
      ['', victim],
      [own, createBrowser()],
      [own, attacker],
    ];
    for (const [token, by] of attempts) {
      const hop = await by.send('POST', link, new URLSearchParams({ page_token: token }));
      expect(hop.status).toBe(200);
      expect(hop.location).toBeNull();
    }
    expect(await rowOf()).toBe(before);
    expect((await victim.send('POST', link, new URLSearchParams({ page_token: own }))).status).toBe(303);
  });

  test.each(['cross-site', 'same-site', 'none'])(
    'a form that a %s page sends binds nothing, whatever its token',
    async (site) => {
      const { link } = await start({ subject: 'user-42' });
      const browser = createBrowser({ headers: { 'sec-fetch-site': site } });
      const page = await browser.send('GET', link);
      const hop = await browser.send('POST', link, new URLSearchParams({ page_token: tokenOf(page) }));
      expect(hop.location).toBeNull();
    },
  );

  test('two tabs and a double click all lead to the provider, and one of them completes', async () => {
    const { link, state } = await start({ subject: 'tabs' });
    const browser = createBrowser();
    const first = await browser.send('GET', link);
    const second = await browser.send('GET', link);
    for (const page of [first, second, second]) {
      expect((await browser.submit(page, {}, isAtProvider)).location?.origin).toBe(scene.provider.origin);
    }
    expect((await browser.send('GET', callbackUrl(connection, { state, code: 'c' }))).body).toContain('Connected');
    // Back, and on again: the outcome.
    expect((await browser.submit(first, {}, isAtProvider)).body).toContain('Connected');
  });

  test('is not shown for an authorization without a subject', async () => {
    const { link } = await start({});
    expect((await createBrowser().send('GET', link)).status).toBe(303);
  });
});

describe('an expected account', () => {
  test.each([
    [{ id: 'ada' }, { sub: 'ada' }, 'completed', null],
    [{ id: 'ada' }, { sub: 'eve' }, 'failed', 'account_mismatch'],
    [{ email: 'Ada@Example.com' }, { sub: '1', email: 'ada@example.COM' }, 'completed', null],
    [{ email: 'ada@example.com' }, { sub: '1', email: 'eve@example.com' }, 'failed', 'account_mismatch'],
    [
      { email: 'ada@example.com' },
      { sub: '1', email: 'ada@example.com', email_verified: false },
      'failed',
      'account_mismatch',
    ],
    [
      { email: 'ada@example.com' },
      { sub: '1', email: 'ada@example.com', email_verified: 'false' },
      'failed',
      'account_mismatch',
    ],
    [
      { domain: 'example.com' },
      { sub: '1', email: 'ada@example.com', email_verified: false },
      'failed',
      'account_mismatch',
    ],
    [{ email: 'ada@example.com' }, { sub: '1', name: 'ada@example.com' }, 'failed', 'account_mismatch'],
    [{ domain: 'example.com' }, { sub: '1', email: 'x@EXAMPLE.com' }, 'completed', null],
    [{ domain: 'example.com' }, { sub: '1', email: 'x@sub.example.com' }, 'failed', 'account_mismatch'],
    [{ domain: 'example.com' }, { sub: '1', email: 'example.com@evil.test' }, 'failed', 'account_mismatch'],
    [{ domain: 'example.com' }, { sub: '1' }, 'failed', 'account_mismatch'],
    [{ id: '1', domain: 'example.com' }, { sub: '2', email: 'x@example.com' }, 'failed', 'account_mismatch'],
  ])('%j and the account %j: %s', async (expected, account, status, reason) => {
    scene.provider.script('/me', json(200, account));
    const own = await addConnection(scene);
    const body = { expected_account: expected, allow_account_change: true };
    const authorization = await openAuthorization(scene, own, body);
    await authorization.sendCallback();
    scriptCorrectReplies(scene.provider);
    const progress = (await scene.api.get(`/authorizations/${authorization.state}`)).body;
    expect(progress).toMatchObject({ status, status_reason: reason });
  });

  test.each([
    ['no member', { expected_account: {} }, 'expected_account'],
    ['an unknown member', { expected_account: { name: 'x' } }, 'expected_account.name'],
    ['another id than account_id', { expected_account: { id: 'a' }, account_id: 'b' }, 'expected_account.id'],
    ['a challenge without return_url', { binding_challenge: 'a'.repeat(43) }, 'return_url'],
    ['a challenge that is no SHA-256', { binding_challenge: 'a'.repeat(42) }, 'binding_challenge'],
    ['a label with a line end', { subject_label: 'a\nb' }, 'subject_label'],
  ])('%s is refused with the path of the fault', async (_, body, path) => {
    const response = await scene.api.post(`${connection.path}/authorize`, body, { organization: 'acme' });
    expect(response.status).toBe(400);
    expect(JSON.stringify(response.body.errors)).toContain(path);
  });
});
