import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  addConnection,
  type ConnectionOptions,
  connect,
  type OpenedAuthorization,
  openAuthorization,
  openScene,
  type Scene,
  scriptCorrectReplies,
  type TestConnection,
} from '../security/scene.ts';
import type { Hop } from '../support/browser/browser.ts';
import { textOf, titleOf } from '../support/browser/page-text.ts';
import { held, json, type Reply } from '../support/provider/hostile-provider.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene?.close());
beforeEach(() => scriptCorrectReplies(scene.provider));

interface Scenario {
  connection?: ConnectionOptions;
  authorization?: Record<string, unknown>;
  /** Replies of the provider's paths. */
  replies?: Record<string, Reply>;
  /** Runs before the link is opened. */
  prepare?: (connection: TestConnection) => Promise<unknown>;
  parameters?: Record<string, string>;
  /** Runs while the provider holds back its token response. */
  during?: (connection: TestConnection) => Promise<unknown>;
}

async function walk(
  scenario: Scenario,
): Promise<{ authorization: OpenedAuthorization; send: () => Promise<Hop>; page: Hop }> {
  const connection = await addConnection(scene, { organization: 'acme', ...scenario.connection });
  await scenario.prepare?.(connection);
  for (const [path, reply] of Object.entries(scenario.replies ?? {})) scene.provider.script(path, reply);
  const authorization = await openAuthorization(scene, connection, { subject: 'user-42', ...scenario.authorization });
  const parameters = scenario.parameters ?? { code: 'the-code' };
  const send = () => authorization.sendCallback(parameters);
  if (scenario.during === undefined) return { authorization, send, page: await send() };
  const { reply, arrived, release } = held(json(200, { access_token: 'a', token_type: 'Bearer', expires_in: 3600 }));
  scene.provider.script('/token', reply);
  const sent = send();
  await arrived;
  await scenario.during(connection);
  release();
  return { authorization, send, page: await sent };
}

const reconnect = (connection: TestConnection) => connect(scene, connection, { subject: 'user-42' });
const inAcme = { organization: 'acme' };
const withoutRefreshToken = json(200, { access_token: 'a', token_type: 'Bearer', expires_in: 3600 });

const settled: [string, Scenario, string, string[]][] = [
  [
    'a first account',
    {},
    'Connected',
    ['The account Ada (ada) at 127.0.0.1', 'Organisation acme', 'For user-42', 'Access Renewed automatically'],
  ],
  ['the same account again', { prepare: reconnect }, 'Connected again', ['This replaces the earlier access.']],
  [
    'no refresh token',
    { replies: { '/token': withoutRefreshToken } },
    'Connected',
    ['This access ends on ', 'Only an administrator can change the connection', 'Access Until '],
  ],
  [
    'fewer scopes',
    {
      connection: { body: { scopes: ['read', 'write'] } },
      replies: { '/token': json(200, { access_token: 'a', refresh_token: 'r', expires_in: 60, scope: 'read' }) },
    },
    'Connected',
    ['Missing: write.'],
  ],
  [
    'a denial',
    { parameters: { error: 'access_denied' } },
    'Not connected: access was not allowed',
    ['What you can do'],
  ],
  [
    'a code that is too old',
    { replies: { '/token': json(400, { error: 'invalid_grant' }) } },
    'Not connected: the sign-in was too old',
    ['What you can do'],
  ],
  [
    'a refused client',
    { replies: { '/token': json(401, { error: 'invalid_client' }) } },
    'Not connected: the connection is not set up correctly',
    ['What an administrator must do', 'an administrator of acme', 'Error of the provider invalid_client'],
  ],
  [
    'refused settings',
    { parameters: { error: 'invalid_scope' } },
    'Not connected: the connection is not set up correctly',
    ['What an administrator must do', 'Error of the provider invalid_scope'],
  ],
  [
    'a provider that is away',
    { replies: { '/token': json(503, {}) } },
    'Not connected: the provider did not answer',
    ['Wait a few minutes.', 'Nothing needs to be changed.'],
  ],
  [
    'another error of the provider',
    { parameters: { error: 'account_locked' } },
    'Not connected: the provider reported an error',
    ['Error of the provider account_locked'],
  ],
  [
    'access that does not work',
    { replies: { '/me': json(401, {}) } },
    'Not connected: the access does not work',
    ['refused the first test of it'],
  ],
  [
    'another account than before',
    { prepare: reconnect, replies: { '/me': json(200, { sub: 'grace', name: 'Grace' }) } },
    'Not connected: this is another account',
    ['Expected account Ada (ada)', 'Account you used Grace (grace)', 'Sign out at 127.0.0.1'],
  ],
  [
    'another account than the caller named',
    { authorization: { account_id: 'grace' } },
    'Not connected: this is another account',
    ['Expected account grace', 'Account you used Ada (ada)'],
  ],
  [
    'an expected account that is not confirmed',
    { prepare: reconnect, replies: { '/me': json(200, {}) } },
    'Not connected: the account is not confirmed',
    ['This connection is for Ada (ada)', 'What an administrator must do'],
  ],
  [
    'access that is withdrawn meanwhile',
    {
      prepare: reconnect,
      during: ({ path }) => scene.api.post(`${path}/revoke`, { subject: 'user-42' }, inAcme),
    },
    'Not connected: the access was withdrawn',
    ['while you were signing in'],
  ],
  [
    'a connection that is changed meanwhile',
    {
      during: ({ path }) => scene.api.patch(path, { client_id: 'other', client_secret: 's' }, inAcme),
    },
    'Not connected: the connection was changed',
    ['while you were signing in'],
  ],
];

test.each(settled)(
  '%s: the page says so, and the same callback again shows the same page',
  async (_name, scenario, title, parts) => {
    const { page, send } = await walk(scenario);
    expect([page.status, titleOf(page)]).toEqual([200, title]);
    for (const part of parts) expect(textOf(page)).toContain(part);
    const again = await send();
    expect([again.status, again.body]).toEqual([page.status, page.body]);
    const [back, doubled] = await Promise.all([send(), send()]);
    expect([back?.body, doubled?.body]).toEqual([page.body, page.body]);
  },
);

test('a double click shows one outcome in both responses', async () => {
  const authorization = await openAuthorization(scene, await addConnection(scene));
  const { reply, arrived, release } = held(withoutRefreshToken);
  scene.provider.script('/token', reply);
  const first = authorization.sendCallback({ code: 'c' });
  await arrived;
  const second = authorization.sendCallback({ code: 'c' });
  release();
  const [one, two] = await Promise.all([first, second]);
  expect(titleOf(one)).toBe('Connected');
  expect(two.body).toBe(one.body);
});

test('a provider of the catalogue appears under its display name', async () => {
  const body = { provider: 'github', scopes: undefined, test_url: undefined };
  const authorization = await openAuthorization(scene, await addConnection(scene, { body }));
  const page = await authorization.sendCallback({ error: 'access_denied' });
  expect(textOf(page)).toContain('Provider GitHub');
});
