import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createRawClient,
  fromElsewhere,
  openSession,
  type RawClient,
  sameOrigin,
} from '../support/console/raw-client.ts';
import { type BrokerProcess, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir } from '../support/processes/data-dir.ts';
import { openScene, type Scene } from './scene.ts';

const publicUrl = 'https://broker.example';
/** Failed sign-ins, and public requests, of one address at the second process. */
const rateLimitMax = 12;

/** Serves http on loopback. */
let scene: Scene;
let send: RawClient;
/** A second process of the same installation, behind a proxy that serves https. */
let second: BrokerProcess;
let sendSecond: RawClient;
const stack = new AsyncDisposableStack();
beforeAll(async () => {
  scene = await openScene();
  stack.defer(() => scene.close());
  const dataDir = createDataDir();
  stack.defer(() => dataDir.remove());
  const env = { ...scene.env, PUBLIC_URL: publicUrl, RATE_LIMIT_MAX: String(rateLimitMax), TRUST_PROXY: '1' };
  second = await startBroker({ dataDir: dataDir.path, env });
  stack.defer(async () => void (await second.stop()));
  [send, sendSecond] = [createRawClient(scene.url), createRawClient(second.url)];
});
afterAll(() => stack.disposeAsync());

const page = '/console/sessions';
const signInAt = (by: RawClient, key: string, headers: Record<string, string> = {}) =>
  by({ method: 'POST', path: '/console/sign-in', headers: { ...sameOrigin, ...headers }, form: { key } });
const open = (cookie: string, by = send, headers: Record<string, string> = sameOrigin) =>
  by({ path: page, headers: { ...headers, cookie } });
const toSignIn = { status: 303, headers: { location: `/console/sign-in?next=${encodeURIComponent(page)}` } };
const change = (set: string) => scene.rows(`update console_sessions set ${set}`);

describe('the cookie of a session', () => {
  test('behind https is bound to this host, to https and to this site, and no script reads it', async () => {
    const response = await signInAt(sendSecond, scene.adminKey, { host: 'broker.example' });
    expect(response.status).toBe(303);
    expect(response.cookies).toEqual([
      expect.stringMatching(
        /^__Host-token-broker-[\w-]{8}-console=[\w-]{43}\.[^;]+; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
      ),
    ]);
  });

  test('on http has neither Secure nor the prefix, which browsers would refuse there', async () => {
    const response = await signInAt(send, scene.adminKey);
    expect(response.cookies).toEqual([
      expect.stringMatching(
        /^token-broker-[\w-]{8}-console=[\w-]{43}\.[^;]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/,
      ),
    ]);
  });

  test.each(['broker.example', '10.0.0.7', '127.0.0.1.evil.example', 'localhost.evil.example', '[fe80::1]'])(
    'is not given on http at %s, which is not this computer',
    async (host) => {
      const shown = await send({ path: '/console/sign-in', headers: { host } });
      expect(shown.status).toBe(403);
      expect(shown.body).toContain('The console needs https');
      const refused = await signInAt(send, scene.adminKey, { host });
      expect(refused).toMatchObject({ status: 403, cookies: [] });
    },
  );

  test.each(['localhost', 'broker.localhost:8080', '127.1.2.3', '[::1]:8080'])(
    'is given on http at %s',
    async (host) => {
      expect((await send({ path: '/console/sign-in', headers: { host } })).status).toBe(200);
    },
  );
});

describe('the id of a session', () => {
  test('that another person planted is never adopted', async () => {
    const { cookie } = await openSession(send, scene.adminKey);
    const [name = ''] = cookie.split('=');
    const planted = `${name}=${'A'.repeat(43)}`;
    const response = await signInAt(send, scene.adminKey, { cookie: planted });
    expect(response.cookies[0]).not.toContain('AAAAAAAA');
    expect(await open(planted)).toMatchObject(toSignIn);
  });

  test('is a new one at each sign-in, also in a browser that has a session', async () => {
    const attacker = await openSession(send, (await scene.newKey()).key);
    const response = await signInAt(send, scene.adminKey, { cookie: attacker.cookie });
    expect(response.cookies[0]).not.toContain(attacker.id);
    expect((await open(attacker.cookie)).body).toContain('a key');
  });

  test('counts only as a whole, alone and under its name', async () => {
    const { cookie, id } = await openSession(send, scene.adminKey);
    const [, name = '', value = ''] = /^([^=]+)=(.+)$/.exec(cookie) ?? [];
    const wrongs = [id, `${id}.`, `${id}.${'A'.repeat(43)}`, value.slice(1), `${value}A`, `${value}%00`, ''];
    for (const wrong of [...wrongs, value.toLowerCase()])
      expect(await open(`x${name}=${wrong}; ${name}=${wrong}`), wrong).toMatchObject(toSignIn);
    expect((await open(cookie)).status).toBe(200);
  });
});

describe('a session ends', () => {
  test('after an hour without a request, and after twelve hours in any case', async () => {
    const { cookie } = await openSession(send, scene.adminKey);
    await change("last_seen_at = now() - interval '59 minutes', created_at = now() - interval '11 hours 59 minutes'");
    expect((await open(cookie)).status).toBe(200);
    await change("created_at = now() - interval '12 hours'");
    expect(await open(cookie)).toMatchObject(toSignIn);
    await change("created_at = now() - interval '2 hours', last_seen_at = now() - interval '1 hour'");
    expect(await open(cookie)).toMatchObject(toSignIn);
  });

  test('although its page brings itself up to date: such requests do not count', async () => {
    const { cookie } = await openSession(send, scene.adminKey);
    const seen = async () => (await scene.rows('select max(last_seen_at) as seen from console_sessions'))[0]?.seen;
    await change("last_seen_at = now() - interval '30 minutes', created_at = now() - interval '2 hours'");
    const before = await seen();
    expect((await open(cookie, send, { ...sameOrigin, 'hx-request': 'true' })).status).toBe(200);
    expect(await seen()).toEqual(before);
    expect((await open(cookie)).status).toBe(200);
    expect(await seen()).not.toEqual(before);
    await change("last_seen_at = now() - interval '1 hour'");
    const polled = await open(cookie, send, { ...sameOrigin, 'hx-request': 'true' });
    expect(polled).toMatchObject({ status: 401, body: '', headers: { 'hx-redirect': toSignIn.headers.location } });
  });

  test('with its key, at the next request, in another process too', async () => {
    const { id, key } = await scene.newKey({ permissions: ['connections:read'] });
    const { cookie } = await openSession(send, key);
    const [line = ''] = (await signInAt(sendSecond, scene.adminKey, { host: 'broker.example' })).cookies;
    const there = cookie.replace(/^[^=]+/, line.split('=')[0] ?? '');
    expect((await open(cookie)).status).toBe(200);
    expect((await open(there, sendSecond)).status).toBe(200);
    expect((await scene.api.delete(`/admin/api-keys/${id}`)).status).toBeLessThan(300);
    expect(await open(cookie)).toMatchObject(toSignIn);
    await expect.poll(() => open(there, sendSecond)).toMatchObject(toSignIn);
  });

  test('by the person: this one, or every one of the key, and its cookie is cleared', async () => {
    const { key } = await scene.newKey();
    const [first, ...others] = [
      await openSession(send, key),
      await openSession(send, key),
      await openSession(send, key),
    ];
    const stranger = await openSession(send, scene.adminKey);
    const post = (path: string, { cookie, csrf }: typeof first) =>
      send({ method: 'POST', path, headers: { ...sameOrigin, cookie }, form: { _csrf: csrf } });
    const cleared = [expect.stringMatching(/-console=; Max-Age=0; Path=\/; HttpOnly; SameSite=Strict$/)];
    expect(await post('/console/sign-out', first)).toMatchObject({ status: 303, cookies: cleared });
    expect(await open(first.cookie)).toMatchObject(toSignIn);
    const [second, third] = others;
    if (second === undefined || third === undefined) throw new Error('three sessions were opened');
    expect((await open(third.cookie)).status).toBe(200);
    expect(await post('/console/sessions/end-all', second)).toMatchObject({ status: 303, cookies: cleared });
    for (const { cookie } of others) expect(await open(cookie)).toMatchObject(toSignIn);
    expect((await open(stranger.cookie)).status).toBe(200);
  });
});

describe('a link from another site', () => {
  const address = '/console/connections?q=a%26b?c&organization=acme';
  const marked = `${address}&from_link=1`;

  test('without the cookie loads once more; with it, arrives at the clean address', async () => {
    const first = await send({ path: address, headers: fromElsewhere });
    expect(first.status).toBe(200);
    expect(first.body).toContain(`content="0; url=${marked.replaceAll('&', '&amp;')}"`);
    const { cookie } = await openSession(send, scene.adminKey);
    const again = await send({ path: marked, headers: { ...sameOrigin, cookie } });
    expect(again).toMatchObject({ status: 303, headers: { location: address } });
    expect((await send({ path: address, headers: { ...sameOrigin, cookie } })).status).toBe(200);
  });

  test('without a session leads to the sign-in, and from there to the clean address', async () => {
    const second = await send({ path: marked, headers: sameOrigin });
    expect(second.status).toBe(303);
    const next = new URL(second.headers.location ?? '', scene.url).searchParams.get('next');
    expect(next).toBe(address);
  });

  test('ends at a page, whatever headers and cookies come', async () => {
    const { cookie } = await openSession(send, scene.adminKey);
    const sites = [undefined, 'none', 'same-origin', 'same-site', 'cross-site', 'bogus'];
    const all = sites.flatMap((site) =>
      [undefined, 'navigate', 'cors'].flatMap((mode) =>
        ['', cookie, 'a=b'].map((each) => ({ site, mode, cookie: each })),
      ),
    );
    for (const { site, mode, cookie: held } of all) {
      for (const hx of [undefined, 'true']) {
        const sent = { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'hx-request': hx, cookie: held };
        const headers = Object.fromEntries(
          Object.entries(sent).filter((pair): pair is [string, string] => pair[1] !== undefined),
        );
        for (const start of [address, marked, `${address}&from_link=2&from_link=3`]) {
          let path: string | undefined = start;
          let hops = 0;
          for (; path !== undefined && hops < 5; hops += 1) path = nextOf(await send({ path, headers }));
          expect(hops, `${JSON.stringify({ ...headers, cookie: held !== '' })} ${start}`).toBeLessThan(5);
        }
      }
    }
  });

  /** Returns the address that the browser goes to by itself. */
  function nextOf({ headers, body }: Awaited<ReturnType<RawClient>>): string | undefined {
    const refresh = /http-equiv="refresh" content="0; url=([^"]*)"/.exec(body)?.[1]?.replaceAll('&amp;', '&');
    return headers.location ?? refresh;
  }
});

describe('after the sign-in', () => {
  const hostile = [
    '//evil.example',
    '/\\evil.example',
    '/console\\..\\..\\evil',
    '/console/..//evil.example',
    '/console/%2e%2e/%2e%2e//evil.example',
    'https://evil.example/console',
    'https:evil.example',
    'javascript:alert(1)//console',
    '%2F%2Fevil.example',
    '/%09/evil.example',
    '/console\r\nlocation: https://evil.example',
    '/console/sign-in/../../..//evil.example',
    '/consolevil',
  ];
  test.each(hostile)('%j leads to the overview', async (next) => {
    const { cookie } = await openSession(send, scene.adminKey);
    const path = `/console/sign-in?${new URLSearchParams({ next })}`;
    const form = { key: scene.adminKey, next };
    const signedIn = await send({ method: 'POST', path: '/console/sign-in', headers: sameOrigin, form });
    for (const response of [signedIn, await send({ path, headers: { cookie } })])
      expect(response).toMatchObject({ status: 303, headers: { location: '/console' } });
    expect((await send({ path })).body).not.toContain('evil');
  });
});

describe('a person who guesses keys', () => {
  test('is limited like a client of the API, with a page that says when to try again', async () => {
    const address = { host: 'broker.example', 'x-forwarded-for': '192.0.2.77' };
    const attempts = [];
    for (let attempt = 0; attempt <= rateLimitMax; attempt += 1)
      attempts.push(await signInAt(sendSecond, `tb_${attempt}_wrong`, address));
    expect(attempts.slice(0, rateLimitMax).map(({ status }) => status)).toEqual(Array(rateLimitMax).fill(401));
    const limited = attempts.at(-1);
    expect(limited?.status).toBe(429);
    expect(Number(limited?.headers['retry-after'])).toBeGreaterThan(0);
    expect(limited?.headers['content-type']).toContain('text/html');
    const api = await sendSecond({ path: '/connections', headers: { ...address, authorization: 'Bearer wrong' } });
    expect(api.status).toBe(429);
    const elsewhere = await signInAt(sendSecond, 'wrong', { ...address, 'x-forwarded-for': '192.0.2.78' });
    expect(elsewhere.status).toBe(401);
  });

  test('learns nothing from the answer: wrong, revoked and malformed keys read alike', async () => {
    const { id, key } = await scene.newKey();
    await scene.api.delete(`/admin/api-keys/${id}`);
    const answers = await Promise.all(
      [key, `${key.slice(0, -1)}x`, 'tb_unknown_key', '<b>', 'x'.repeat(5000)].map((each) => signInAt(send, each)),
    );
    const told = answers.map(({ status, body }) => [status, body.replace(/nonce="[^"]*"/g, '')]);
    expect(new Set(told.map((each) => JSON.stringify(each))).size).toBe(1);
    expect(told[0]?.[0]).toBe(401);
  });
});
