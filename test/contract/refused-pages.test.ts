import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, openAuthorization, openScene, type Scene } from '../security/scene.ts';
import { createBrowser, type Hop } from '../support/browser/browser.ts';
import { textOf, titleOf } from '../support/browser/page-text.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ ALLOWED_RETURN_URLS: 'https://app.test' });
});
afterAll(() => scene?.close());

const inAcme = { organization: 'acme' };
const open = (path: string) => createBrowser().send('GET', new URL(path, scene.url));
const start = async () => {
  const connection = await addConnection(scene, inAcme);
  return { connection, authorization: await openAuthorization(scene, connection) };
};
/** Expires every link: the tests run one after the other. */
const expireLinks = () => scene.rows("update authorizations set expires_at = now() - interval '1 minute'");

const cases: [string, () => Promise<Hop>, string, string | null][] = [
  ['no link of this service', () => open('/authorize/x'), 'This link is incomplete', null],
  ['an unknown link', () => open(`/authorize/${'x'.repeat(43)}`), 'This link is not known', null],
  [
    'an expired link',
    async () => {
      const { authorization } = await start();
      await expireLinks();
      return open(authorization.link);
    },
    'This link has expired',
    'The link worked until ',
  ],
  [
    'the callback of an expired link',
    async () => {
      const { authorization } = await start();
      await expireLinks();
      return authorization.sendCallback();
    },
    'This link has expired',
    'Organisation acme',
  ],
  [
    'a used link',
    async () => {
      const { authorization } = await start();
      await authorization.sendCallback();
      return open(authorization.link);
    },
    'This link was used already',
    'Organisation acme',
  ],
  [
    'a cancelled link',
    async () => {
      const { authorization, connection } = await start();
      await scene.api.post(`${connection.path}/cancel`, {}, inAcme);
      return open(authorization.link);
    },
    'This link was cancelled',
    'Organisation acme',
  ],
  [
    'the callback of a cancelled link',
    async () => {
      const { authorization, connection } = await start();
      await scene.api.post(`${connection.path}/cancel`, {}, inAcme);
      return authorization.sendCallback();
    },
    'This link was cancelled',
    'Organisation acme',
  ],
  [
    'a link made before an edit',
    async () => {
      const { authorization, connection } = await start();
      await scene.api.patch(connection.path, { client_id: 'other', client_secret: 's' }, inAcme);
      return open(authorization.link);
    },
    'This link is out of date',
    'Organisation acme',
  ],
  [
    'the callback of a link made before an edit',
    async () => {
      const { authorization, connection } = await start();
      await scene.api.patch(connection.path, { client_id: 'other', client_secret: 's' }, inAcme);
      return authorization.sendCallback();
    },
    'This link is out of date',
    'Organisation acme',
  ],
  ['no connection', () => open('/callback/a%20b?state=x'), 'This address is not known', 'an administrator must'],
  ['an unknown state', () => open('/callback/crm?state=x&code=c'), 'This sign-in is not known', null],
  [
    'another browser',
    async () => (await start()).authorization.sendCallback({ code: 'c' }, createBrowser()),
    'This sign-in belongs to another browser',
    'open the link again in this browser',
  ],
  [
    'another connection',
    async () => {
      const { authorization } = await start();
      const other = await addConnection(scene);
      const query = new URLSearchParams({ state: authorization.state, code: 'c' });
      return authorization.browser.send('GET', new URL(`${other.redirectUri}?${query}`));
    },
    'This answer came to the wrong address',
    'an administrator must',
  ],
  ['a repeated parameter', () => open('/callback/crm?state=x&code=c&code=d'), 'This answer cannot be read', null],
];

test.each(cases)('%s gets a page of its own', async (_name, visit, title, part) => {
  const page = await visit();
  expect([page.status, titleOf(page)]).toEqual([400, title]);
  if (part !== null) expect(textOf(page)).toContain(part);
});

test('a stranger learns nothing about the connection from the page', async () => {
  const { authorization } = await start();
  const page = await authorization.sendCallback({ code: 'c' }, createBrowser());
  expect(page.body).not.toMatch(/<dl>|acme/);
});

test('a response of another issuer is refused, also the second time and with a return_url', async () => {
  const connection = await addConnection(scene, { body: { variables: { issuer: scene.provider.origin } } });
  const authorization = await openAuthorization(scene, connection, { return_url: 'https://app.test/done' });
  const send = () => authorization.sendCallback({ code: 'c', iss: 'https://other.example' });
  const page = await send();
  expect([page.status, titleOf(page)]).toEqual([400, 'This answer is not from the provider']);
  const again = await send();
  expect([again.status, again.body]).toEqual([400, page.body]);
});
