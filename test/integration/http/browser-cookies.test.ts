import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { CallbackOutcome } from '../../../src/broker/authorizations/callback-outcome.ts';
import type { OpeningBrowser } from '../../../src/broker/authorizations/open-authorization.ts';
import { refusal } from '../../../src/broker/authorizations/refusal.ts';
import type { HttpServerDeps } from '../../../src/http/server.ts';
import { createCookieJar } from '../../support/browser/cookie-jar.ts';
import { aConnectedOutcome } from '../../support/builders/outcome.ts';
import { createHttpFixture, type HttpFixture, now } from '../../support/http/server-fixture.ts';

const fixtures: HttpFixture[] = [];
afterEach(async () => {
  for (const { app } of fixtures.splice(0)) await app.close();
});

const stateOf = (number: number) => `state-number-${number}-of-the-test`;
const linkOf = (number: number) => `/authorize/${stateOf(number)}`;
const callbackOf = (number: number) => `/callback/crm?code=c&state=${stateOf(number)}`;
const linkLifetimeMs = 600_000;
const key = 'a-cookie-key-of-the-tests-000000000';

/** A service whose use cases accept everything and record the ids of the browser. */
async function open(change: Partial<HttpServerDeps> = {}, outcome: CallbackOutcome = aConnectedOutcome()) {
  const time = { now };
  const openings: OpeningBrowser[] = [];
  const hits: (readonly string[])[] = [];
  const fixture = await createHttpFixture(
    {
      openAuthorization: async (_state, browser) => {
        openings.push(browser);
        const expiresAt = new Date(time.now.getTime() + linkLifetimeMs);
        return { kind: 'redirect', url: 'https://provider.example/', expiresAt };
      },
      completeAuthorization: async ({ browserIds }) => {
        hits.push(browserIds);
        return outcome;
      },
    },
    {
      newBrowserId: () => `browser-id-of-enough-length-${openings.length}`,
      cookieKeys: () => [key],
      clock: () => time.now,
      ...change,
    },
  );
  fixtures.push(fixture);
  const send = async (url: string, cookie = '') => {
    const response = await fixture.app.inject({ url, headers: cookie === '' ? {} : { cookie } });
    return [response.headers['set-cookie'] ?? []].flat();
  };
  return { send, openings, hits, time };
}

type Opened = Awaited<ReturnType<typeof open>>;

const site = new URL('https://broker.example/');
/** Sends a request with the cookies of the jar and keeps those of the response. */
async function visit({ send }: Opened, jar: ReturnType<typeof createCookieJar>, url: string) {
  jar.store(site, await send(url, jar.header(site)));
}
const pairOf = (line = '') => line.split(';')[0] ?? '';
const nameOf = (line = '') => pairOf(line).split('=')[0];
const signed = (value: string, by = key) =>
  encodeURIComponent(`${value}.${createHmac('sha256', by).update(value).digest('base64').replace(/=+$/, '')}`);

describe('opening links', () => {
  test('every opening sets one cookie of its own name with a new id, whatever the browser brings', async () => {
    const service = await open();
    const [first, second] = [await service.send(linkOf(1)), await service.send(linkOf(2))];
    const third = await service.send(linkOf(3), [...first, ...second].map(pairOf).join('; '));
    for (const lines of [first, second, third]) expect(lines).toHaveLength(1);
    expect(new Set([first, second, third].flat().map(nameOf)).size).toBe(3);
    const ids = service.openings.map(({ browserId }) => browserId);
    expect(new Set(ids).size).toBe(3);
    expect(service.openings.map(({ heldIds }) => heldIds)).toEqual([[], [], ids.slice(0, 2)]);
  });

  test.each([
    ['https', { publicUrlIsHttps: true }, '__Host-token-broker-', ['SameSite=None', 'Secure']],
    ['http', { publicUrlIsHttps: false }, 'token-broker-', ['SameSite=Lax']],
    [
      'https under a base path',
      { publicUrlIsHttps: true, basePath: '/api' },
      '__Host-token-broker-',
      ['SameSite=None', 'Secure'],
    ],
  ] as const)('the cookie over %s has its prefix and attributes', async (_name, change, prefix, attributes) => {
    const { send } = await open(change);
    const [line = '', ...others] = await send(`${'basePath' in change ? change.basePath : ''}${linkOf(1)}`);
    expect(others).toEqual([]);
    const [, ...found] = line.split('; ');
    expect(nameOf(line)?.startsWith(prefix)).toBe(true);
    expect(found.filter((each) => !each.startsWith('Max-Age')).sort()).toEqual(
      ['HttpOnly', 'Path=/', ...attributes].sort(),
    );
    // A day longer than the link, so that a reload shows the outcome.
    expect(line).toContain(`Max-Age=${linkLifetimeMs / 1000 + 86_400}`);
  });

  test('a link that is opened again replaces the cookies of its earlier openings only', async () => {
    const service = await open();
    const jar = createCookieJar();
    for (const number of [1, 2, 1]) await visit(service, jar, linkOf(number));
    expect(jar.all(site)).toHaveLength(2);
    await visit(service, jar, callbackOf(1));
    const ids = service.openings.map(({ browserId }) => browserId);
    expect(service.hits).toEqual([ids.slice(1)]);
  });

  test('a browser with a hundred links open keeps the latest, in less than 4 KB', async () => {
    const service = await open();
    const jar = createCookieJar();
    for (let number = 0; number < 100; number += 1) {
      service.time.now = new Date(now.getTime() + number * 1000);
      await visit(service, jar, linkOf(number));
      expect(jar.header(site).length).toBeLessThan(4096);
    }
    await visit(service, jar, callbackOf(99));
    const ids = service.openings.map(({ browserId }) => browserId);
    expect(service.hits).toEqual([ids.slice(-jar.all(site).length)]);
    expect(jar.all(site).length).toBeGreaterThanOrEqual(10);
  });

  test('authorizations that have ended make room first, and expired cookies are cleared', async () => {
    const service = await open();
    const jar = createCookieJar();
    for (let number = 0; number < 40; number += 1) {
      service.time.now = new Date(now.getTime() + number * 1000);
      await visit(service, jar, linkOf(number));
      if (number > 0) await visit(service, jar, callbackOf(number));
    }
    const stillOpen = service.openings[0]?.browserId;
    await visit(service, jar, callbackOf(0));
    expect(service.hits.at(-1)).toContain(stillOpen);
    service.time.now = new Date(now.getTime() + 3 * 86_400_000);
    await visit(service, jar, linkOf(50));
    expect(jar.all(site)).toHaveLength(1);
  });
});

describe('callbacks', () => {
  test('only ids with a valid signature of a current key count', async () => {
    const old = await open({ cookieKeys: () => ['an-older-cookie-key-000000000000000'] });
    const pair = pairOf((await old.send(linkOf(1)))[0]);
    const [name, value = ''] = pair.split('=');
    const service = await open({ cookieKeys: () => [key, 'an-older-cookie-key-000000000000000'] });
    const content = decodeURIComponent(value).split('.').slice(0, -1).join('.');
    const forged = [
      `${name}=${value.startsWith('A') ? 'B' : 'A'}${value.slice(1)}`,
      `${name}=${content}`,
      `${name}=${signed(content, 'a-key-of-another-service-00000000000')}`,
      `${name}=${signed('a-browser-id-of-enough-length-x')}`,
      `${name}=%ZZ`,
      `other-name=${value}`,
    ];
    for (const cookie of [pair, ...forged, '']) await service.send(callbackOf(1), cookie);
    expect(service.hits).toEqual([['browser-id-of-enough-length-0'], ...forged.map(() => []), []]);
  });

  test('a cookie of equal name from another subdomain neither hides an id nor replaces one', async () => {
    const service = await open();
    const mine = pairOf((await service.send(linkOf(1)))[0]);
    const theirs = pairOf((await service.send(linkOf(1)))[0]);
    const tossed = [`${nameOf(mine)}=x`, `${nameOf(mine)}=${theirs.split('=')[1]}`, `${nameOf(mine)}=`];
    await service.send(callbackOf(1), [...tossed, mine].join('; '));
    expect(service.hits.at(-1)).toContain('browser-id-of-enough-length-0');
    await service.send(linkOf(1), tossed.join('; '));
    // An id that another party may know is never bound.
    expect(service.openings.at(-1)?.browserId).toBe('browser-id-of-enough-length-2');
  });

  test('the cookie of an ended authorization is shortened to a day, and still recognises a reload', async () => {
    const service = await open();
    const jar = createCookieJar();
    await visit(service, jar, linkOf(1));
    const lines = await service.send(callbackOf(1), jar.header(site));
    expect(lines).toEqual([expect.stringContaining('Max-Age=86400;')]);
    jar.store(site, lines);
    expect(jar.all(site)).toHaveLength(1);
    expect(await service.send(callbackOf(1), jar.header(site))).toEqual([]);
    expect(service.hits).toEqual([['browser-id-of-enough-length-0'], ['browser-id-of-enough-length-0']]);
  });

  test('a callback that is refused with a page leaves the cookies as they are', async () => {
    const service = await open({}, refusal('other_environment'));
    const pair = pairOf((await service.send(linkOf(1)))[0]);
    expect(await service.send(callbackOf(1), pair)).toEqual([]);
  });

  test.each([
    ['https', {}, '__Host-token-broker-browser'],
    ['http', { publicUrlIsHttps: false }, 'token-broker-browser'],
    ['https under a base path', { basePath: '/api' }, '__Secure-token-broker-browser'],
  ])('the one cookie of earlier releases still counts over %s', async (_name, change, name) => {
    const service = await open(change);
    const cookie = `${name}=${signed('an-earlier-id-of-enough-length')}`;
    await service.send(`${'basePath' in change ? change.basePath : ''}${callbackOf(1)}`, cookie);
    expect(service.hits).toEqual([['an-earlier-id-of-enough-length']]);
  });
});

test.each([
  ['another port', 'https://broker.example', 'https://broker.example:8443'],
  ['another base path', 'https://broker.example/a', 'https://broker.example/b'],
])('a service at %s has other cookie names, and leaves those of its neighbour alone', async (_name, one, two) => {
  const jar = createCookieJar();
  const first = await open({ baseUrl: () => one });
  const second = await open({ baseUrl: () => two, cookieKeys: () => ['the-key-of-the-second-service-000000'] });
  await visit(first, jar, linkOf(1));
  for (let number = 0; number < 40; number += 1) await visit(second, jar, linkOf(number));
  await visit(second, jar, callbackOf(3));
  await visit(first, jar, callbackOf(1));
  expect(first.hits).toEqual([['browser-id-of-enough-length-0']]);
});
