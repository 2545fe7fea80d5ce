import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AttackedConsole, absentPlaces, openAttackedConsole } from '../support/console/attacked-console.ts';
import { addressOf, type ConsoleRoute, consoleRoutes } from '../support/console/console-routes.ts';
import { type HeldSession, type RawRequest, sameOrigin } from '../support/console/raw-client.ts';

let attacked: AttackedConsole;
let victim: HeldSession;
let other: HeldSession;
let own: string;
beforeAll(async () => {
  attacked = await openAttackedConsole();
  [victim, other] = [await attacked.signIn(), await attacked.signIn()];
  own = new URL(attacked.scene.url).origin;
});
afterAll(() => attacked?.close());

const posts = (await consoleRoutes()).filter(({ method }) => method === 'POST');
const bound = posts.filter(({ access }) => access !== null);
const at = (route: ConsoleRoute) => addressOf(route, attacked.places, 'acme');
const titleOf = ({ path }: ConsoleRoute) => path;

/** Sends the form as a browser of the victim does, with these differences. */
function post(route: ConsoleRoute, { headers = {}, form = {} }: Pick<RawRequest, 'headers' | 'form'>) {
  const { cookie } = victim;
  return attacked.send({ method: 'POST', path: at(route), headers: { cookie, ...headers }, form });
}

/** Sends each attempt at each route. All must be refused, and change nothing. */
async function expectRefused(
  routes: readonly ConsoleRoute[],
  attempts: Record<string, Pick<RawRequest, 'headers' | 'form'>>,
) {
  const before = await attacked.snapshot();
  for (const route of routes) {
    for (const [attempt, sent] of Object.entries(attempts)) {
      const response = await post(route, sent);
      expect(response.status, `${route.path} ${attempt}: ${response.body}`).toBe(403);
      expect(response.cookies, `${route.path} ${attempt}`).toEqual([]);
    }
  }
  expect(await attacked.snapshot()).toEqual(before);
}

test('every form is found: the list is not empty, and one form alone needs no session', () => {
  expect(bound.length).toBeGreaterThan(1);
  expect(posts.filter(({ access }) => access === null).map(titleOf)).toEqual(['/console/sign-in']);
});

test.each<[kind: string, headers: () => Record<string, string>]>([
  ['of another site', () => ({ 'sec-fetch-site': 'cross-site', origin: own })],
  ['of another host of this site', () => ({ 'sec-fetch-site': 'same-site' })],
  ['that no page sent', () => ({ 'sec-fetch-site': 'none' })],
  ['with an unknown word', () => ({ 'sec-fetch-site': 'same-origin, cross-site' })],
  ['with a foreign origin', () => ({ origin: 'https://evil.example' })],
  ['with the origin of another port', () => ({ origin: 'http://127.0.0.1:1' })],
  ['with an opaque origin', () => ({ origin: 'null' })],
  ['with neither header', () => ({})],
])('a form %s is refused at every address', async (kind, headersOf) => {
  const form = { _csrf: victim.csrf, key: attacked.scene.adminKey };
  await expectRefused(posts, { [kind]: { headers: headersOf(), form } });
});

test('a form without the token of its session is refused at every address', async () => {
  const tokens = ['', 'made-up', other.csrf, victim.id, `${victim.csrf}x`];
  const attempts = tokens.map((token) => [`token ${token}`, { headers: sameOrigin, form: { _csrf: token } }]);
  await expectRefused(bound, { 'no token': { headers: sameOrigin, form: {} }, ...Object.fromEntries(attempts) });
});

test('a token of another session is refused also in a header, and the own one in the address', async () => {
  const headers = { ...sameOrigin, 'csrf-token': other.csrf, 'x-csrf-token': other.csrf, cookie: victim.cookie };
  const path = `/console/sign-out?_csrf=${encodeURIComponent(victim.csrf)}`;
  const response = await attacked.send({ method: 'POST', path, headers, form: {} });
  expect(response.status).toBe(403);
});

test('a form without a session is sent from every address to the sign-in', async () => {
  const before = await attacked.snapshot();
  const cookies = ['', victim.cookie.replace(victim.id, 'x'.repeat(43)), victim.cookie.replace(victim.id, 'x')];
  for (const route of bound) {
    for (const cookie of cookies) {
      const sent = { headers: { ...sameOrigin, cookie }, form: { _csrf: victim.csrf } };
      const response = await post(route, sent);
      expect([response.status, response.headers.location, response.body], route.path).toEqual([
        303,
        '/console/sign-in',
        '',
      ]);
    }
  }
  expect(await attacked.snapshot()).toEqual(before);
});

test('a form of this console reaches every address', async () => {
  for (const route of bound) {
    // Some forms end every session of the caller.
    const { cookie, csrf } = await attacked.signIn();
    const path = addressOf(route, absentPlaces, 'acme');
    const sent = { method: 'POST', path, headers: { ...sameOrigin, cookie }, form: { _csrf: csrf } };
    const { status, body } = await attacked.send(sent);
    expect(status, `${route.path}: ${body}`).not.toBe(403);
    expect(status, `${route.path}: ${body}`).toBeLessThan(500);
  }
  victim = await attacked.signIn();
  const path = '/console/sign-out';
  const headers = { origin: own, cookie: victim.cookie };
  // A browser without Sec-Fetch-Site.
  const response = await attacked.send({ method: 'POST', path, headers, form: { _csrf: victim.csrf } });
  expect([response.status, response.headers.location]).toEqual([303, '/console/sign-in?ended=signed_out']);
  victim = await attacked.signIn();
});

describe('a body that no form of the console has', () => {
  test('that is too large is refused as such, at the sign-in and at a page', async () => {
    const form = `key=${'k'.repeat(300_000)}`;
    const headers = { ...sameOrigin, cookie: victim.cookie };
    for (const path of ['/console/sign-in', '/console/sign-out']) {
      const response = await attacked.send({ method: 'POST', path, headers, form });
      expect(response.status).toBe(413);
      expect(response.headers['content-type']).toContain('text/html');
    }
  });

  test.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x', ''])(
    'as %j is refused',
    async (type) => {
      const headers = { ...sameOrigin, cookie: victim.cookie, 'content-type': type };
      const form = JSON.stringify({ _csrf: victim.csrf });
      const response = await attacked.send({ method: 'POST', path: '/console/sign-out', headers, form });
      expect([400, 403, 415]).toContain(response.status);
      expect((await attacked.send({ path: '/console/sessions', headers: { cookie: victim.cookie } })).status).toBe(200);
    },
  );
});
