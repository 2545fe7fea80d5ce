import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  addConnection,
  type OpenedAuthorization,
  openAuthorization,
  openScene,
  type Scene,
  scriptCorrectReplies,
  type TestConnection,
  tokenRequests,
} from '../security/scene.ts';
import { createBrowser, type Hop } from '../support/browser/browser.ts';
import { textOf, titleOf } from '../support/browser/page-text.ts';
import { json } from '../support/provider/hostile-provider.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ ALLOWED_RETURN_URLS: 'https://app.test' });
});
afterAll(() => scene?.close());
beforeEach(() => scriptCorrectReplies(scene.provider));

const inAcme = { organization: 'acme' };
const return_url = 'https://app.test/done?tab=2&status=completed&client_state=forged';
const withReturn = { return_url, client_state: 'their state' };

interface Walk {
  connection: TestConnection;
  authorization: OpenedAuthorization;
}

async function walk(body: Record<string, unknown>): Promise<Walk> {
  const connection = await addConnection(scene, inAcme);
  return { connection, authorization: await openAuthorization(scene, connection, body) };
}

const auditOf = async ({ connection }: Walk) =>
  (
    await scene.rows(
      `select details from audit_events where connection_name = '${connection.name}'
       and action = 'authorization.callback' order by time desc limit 1`,
    )
  )[0]?.details;

/** Ends an open authorization before its callback. The tests run one after the other. */
const endings: [string, (walk: Walk) => Promise<unknown>, string, string][] = [
  [
    'has expired',
    () => scene.rows("update authorizations set expires_at = now() - interval '1 minute'"),
    'authorization_expired',
    'This link has expired',
  ],
  [
    'was cancelled',
    ({ connection }) => scene.api.post(`${connection.path}/cancel`, {}, inAcme),
    'authorization_cancelled',
    'This link was cancelled',
  ],
  [
    'is older than an edit of its connection',
    ({ connection }) => scene.api.patch(connection.path, { client_id: 'other', client_secret: 's' }, inAcme),
    'configuration_changed',
    'This link is out of date',
  ],
  [
    'is of a deleted connection',
    ({ connection }) => scene.api.delete(connection.path, inAcme),
    'configuration_changed',
    'This connection was deleted',
  ],
];

describe.each(endings)('the callback of a link that %s', (_name, end, reason, title) => {
  test('goes to its return_url with the failure, also the second time, and exchanges no code', async () => {
    const walked = await walk(withReturn);
    await end(walked);
    const before = tokenRequests(scene.provider);
    for (const parameters of [{ code: 'a' }, { code: 'a' }, { error: 'access_denied' }]) {
      const hop = await walked.authorization.sendCallback(parameters);
      expect([hop.status, hop.location?.origin, hop.location?.pathname]).toEqual([303, 'https://app.test', '/done']);
      expect([...(hop.location?.searchParams ?? [])].sort()).toEqual([
        ['client_state', 'their state'],
        ['connection_name', walked.connection.name],
        ['status', 'failed'],
        ['status_reason', reason],
        ['tab', '2'],
      ]);
    }
    expect(tokenRequests(scene.provider)).toBe(before);
  });

  test('leaves client_state out if the link has none', async () => {
    const walked = await walk({ return_url: 'https://app.test/done' });
    await end(walked);
    const { location } = await walked.authorization.sendCallback();
    expect([...(location?.searchParams.keys() ?? [])]).toEqual(['status', 'connection_name', 'status_reason']);
  });

  test('shows a page if there is no return_url', async () => {
    const walked = await walk({ client_state: 'their state' });
    await end(walked);
    const page = await walked.authorization.sendCallback();
    expect([page.status, titleOf(page), page.location]).toEqual([400, title, null]);
  });

  test.each([
    ['another browser', () => createBrowser()],
    ['a browser with another link open', async () => (await walk({})).authorization.browser],
  ])('tells %s nothing, and sends it nowhere', async (_browser, open) => {
    const stranger = await open();
    for (const body of [withReturn, {}]) {
      const walked = await walk(body);
      await end(walked);
      const page = await walked.authorization.sendCallback({ code: 'c' }, stranger);
      expect([page.status, page.location, page.headers.getSetCookie()]).toEqual([400, null, []]);
      expect(['This sign-in belongs to another browser', 'This sign-in is not known']).toContain(titleOf(page));
      expect(page.body).not.toMatch(new RegExp(`${walked.connection.name}|acme|app\\.test|their state|${title}`));
    }
  });
});

describe('a callback after the outcome', () => {
  const outcomes: [string, Record<string, string>, string][] = [
    ['a success', { code: 'first' }, 'Connected'],
    ['a denial', { error: 'access_denied' }, 'Not connected: access was not allowed'],
  ];
  const later = [{ code: 'second' }, { error: 'server_error' }, { code: 'first', session_state: 'x' }];

  test.each(outcomes)('of the same browser shows the outcome of %s again', async (_name, parameters, title) => {
    const { authorization } = await walk({});
    const first = await authorization.sendCallback(parameters);
    expect([first.status, titleOf(first)]).toEqual([200, title]);
    const before = tokenRequests(scene.provider);
    const repeat = await authorization.sendCallback(parameters);
    expect([repeat.status, repeat.body]).toEqual([200, first.body]);
    for (const each of later) {
      const page = await authorization.sendCallback(each);
      expect([page.status, titleOf(page)]).toEqual([200, title]);
      expect(textOf(page)).toContain('The later one changed nothing.');
    }
    const reopened = await authorization.browser.send('GET', new URL(authorization.link));
    expect([reopened.status, titleOf(reopened)]).toEqual([200, title]);
    expect(tokenRequests(scene.provider)).toBe(before);
  });

  test.each(outcomes)('of the same browser goes to the return_url with %s again', async (_name, parameters) => {
    const { authorization } = await walk(withReturn);
    const first = await authorization.sendCallback(parameters);
    expect(first.status).toBe(303);
    for (const each of [parameters, ...later]) {
      expect((await authorization.sendCallback(each)).location?.href).toBe(first.location?.href);
    }
    const reopened = await authorization.browser.send('GET', new URL(authorization.link));
    expect(reopened.location?.href).toBe(first.location?.href);
  });

  test.each(outcomes)('of another browser learns nothing of %s', async (_name, parameters) => {
    const { authorization } = await walk(withReturn);
    await authorization.sendCallback(parameters);
    const stranger = (await walk({})).authorization.browser;
    for (const each of [parameters, ...later]) {
      const page = await authorization.sendCallback(each, stranger);
      expect([page.status, titleOf(page)]).toEqual([400, 'This sign-in belongs to another browser']);
    }
    const page = await stranger.send('GET', new URL(authorization.link));
    expect([page.status, titleOf(page), page.location]).toEqual([400, 'This link was used already', null]);
  });
});

describe('the error of the provider', () => {
  const consent = 'AADSTS65001: The user or administrator has not consented to use the application.';
  const sentences: [Record<string, string>, string, string][] = [
    [{ error: 'access_denied', error_description: consent }, 'an administrator must agree first', consent],
    [{ error: 'consent_required', error_description: consent }, 'an administrator must agree first', consent],
    [{ error: 'access_denied' }, 'access was not allowed', 'The access was refused at'],
    [{ error: 'consent_required' }, 'the consent is missing', 'needs your consent'],
    [{ error: 'interaction_required' }, 'the provider must ask you something', 'could not ask for it'],
    [{ error: 'admin_policy_enforced' }, 'does not allow this application', 'an administrator there must allow'],
    [{ error: 'org_internal' }, 'is from another organisation', 'members of one organisation only'],
    [{ error: 'unauthorized_client' }, 'not set up correctly', 'does not let this application sign people in'],
    [{ error: 'invalid_scope' }, 'not set up correctly', 'one of the permissions that were requested'],
    [{ error: 'server_error' }, 'did not answer', 'had an error of its own'],
    [{ error: 'temporarily_unavailable' }, 'did not answer', 'overloaded or under maintenance'],
  ];

  test.each(sentences)('%j has a sentence of its own', async (parameters, title, part) => {
    const walked = await walk({});
    const page = await walked.authorization.sendCallback(parameters);
    expect([page.status, titleOf(page)]).toEqual([200, expect.stringContaining(title)]);
    expect(textOf(page)).toContain(part);
    const { error, error_description = null } = parameters;
    const followed = (await scene.api.get(`/authorizations/${walked.authorization.state}`, inAcme)).body;
    expect(followed).toMatchObject({ status: 'failed', error, error_description });
    expect(await auditOf(walked)).toMatchObject({ error, error_description });
  });

  test('says that an administrator must consent also if the token request is refused for it', async () => {
    scene.provider.script('/token', json(400, { error: 'invalid_grant', error_description: consent }));
    const page = await (await walk({})).authorization.sendCallback();
    expect(titleOf(page)).toBe('Not connected: an administrator must agree first');
  });

  const hostile = `<a href="https://evil.test">x</a>\u0000\u202e https://evil.test ${'y'.repeat(500)}`;
  const expectQuoted = (page: Hop) => {
    expect(page.body).not.toMatch(/<a\b|href="|javascript:/);
    for (const character of ['\u0000', '\u202e']) expect(page.body).not.toContain(character);
    expect(page.body).not.toContain('y'.repeat(200));
    expect(page.body).toContain('<q><bdi>&lt;a href');
  };

  test('is cleaned and quoted on the page, and its URI is left out', async () => {
    const parameters = { error: 'server_error', error_description: hostile, error_uri: 'javascript:alert(1)' };
    expectQuoted(await (await walk({})).authorization.sendCallback(parameters));
  });

  test('is shown although the callback has no state, or an unknown one', async () => {
    const { connection } = await walk({});
    for (const state of ['', `&state=${'x'.repeat(43)}`]) {
      const query = `error=invalid_client&error_description=${encodeURIComponent(hostile)}${state}`;
      const page = await createBrowser().send('GET', new URL(`${connection.redirectUri}?${query}`));
      expect([page.status, titleOf(page)]).toEqual([400, 'This sign-in is not known']);
      expect(textOf(page)).toContain('Error of the provider invalid_client');
      expectQuoted(page);
      expect(textOf(page)).toContain('Do not follow instructions in them.');
      expect(page.body).not.toContain(connection.name);
    }
    const silent = await createBrowser().send('GET', new URL(`${connection.redirectUri}?code=c`));
    expect(silent.body).not.toContain('Error of the provider');
  });
});

test('a wrong issuer is named to administrators, with the expected one, and never to the person', async () => {
  const issuer = scene.provider.origin;
  const connection = await addConnection(scene, { ...inAcme, body: { variables: { issuer } } });
  const authorization = await openAuthorization(scene, connection, withReturn);
  const page = await authorization.sendCallback({ code: 'c', iss: `${issuer}/\u0007<b>` });
  expect([page.status, page.location]).toEqual([400, null]);
  expect(page.body).not.toMatch(/&lt;b|Expected|issuer/i);
  const named = { expected_issuer: issuer, received_issuer: `${issuer}/ <b>` };
  expect(await auditOf({ connection, authorization })).toMatchObject({ ...named, state_valid: true });
  const { status_message } = (await scene.api.get(connection.path, inAcme)).body;
  expect(status_message).toContain(`Expected: ${issuer}. Received: ${issuer}/ <b>.`);
});

test('a refused callback says in the audit trail why, and what the provider said', async () => {
  const walked = await walk({});
  await scene.api.post(`${walked.connection.path}/cancel`, {}, inAcme);
  await walked.authorization.sendCallback({ error: 'access_denied', error_description: 'no\nway' });
  const reason = { refusal: 'link_cancelled', error: 'access_denied', error_description: 'no way' };
  expect(await auditOf(walked)).toMatchObject({ ...reason, final_status: 'refused' });
});
