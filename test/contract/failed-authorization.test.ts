import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  addConnection,
  openAuthorization,
  openScene,
  type Scene,
  scriptCorrectReplies,
  type TestConnection,
} from '../security/scene.ts';
import { textOf } from '../support/browser/page-text.ts';
import { held, json, type Reply } from '../support/provider/hostile-provider.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene?.close());
beforeEach(() => scriptCorrectReplies(scene.provider));

interface Scenario {
  authorization?: Record<string, unknown>;
  replies?: Record<string, Reply>;
  parameters?: Record<string, string>;
  /** Runs while the provider holds back its token response. */
  during?: (connection: TestConnection) => Promise<unknown>;
}

interface Failed {
  connection: TestConnection;
  page: string;
  /** Next action by each place that names it. */
  actions: Record<string, unknown>;
  lastErrors: Record<string, unknown>;
}

async function failAuthorization({ authorization, replies, parameters, during }: Scenario): Promise<Failed> {
  const connection = await addConnection(scene);
  for (const [path, reply] of Object.entries(replies ?? {})) scene.provider.script(path, reply);
  const { state, sendCallback } = await openAuthorization(scene, connection, authorization);
  const { reply, arrived, release } = held(json(200, { access_token: 'a', token_type: 'Bearer' }));
  if (during !== undefined) scene.provider.script('/token', reply);
  const sent = sendCallback(parameters ?? { code: 'the-code' });
  if (during !== undefined) await arrived.then(() => during(connection));
  release();
  const page = textOf(await sent);
  const places = await placesOf(connection);
  const followed = (await scene.api.get(`/authorizations/${state}`)).body;
  return { connection, page, ...places, actions: { ...places.actions, authorization: followed.next_action } };
}

async function placesOf({ name, path, credential }: TestConnection): Promise<Pick<Failed, 'actions' | 'lastErrors'>> {
  const detail = (await scene.api.get(path)).body;
  const [listed] = (await scene.api.get(`/connections?q=${name}`)).body.connections as Record<string, unknown>[];
  const refusals = {
    fetch: await scene.api.get(credential),
    renew: await scene.api.post(`${credential}/renew`, { rejected_token: 'x' }),
    test: await scene.api.post(`${path}/test`),
    refresh: await scene.api.post(`${path}/refresh`),
  };
  for (const { status, headers } of Object.values(refusals)) {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(headers.has('retry-after')).toBe(false);
  }
  for (const name of ['fetch', 'test'] as const) {
    expect(refusals[name].body).toMatchObject({
      code: 'connection_not_ready',
      connection_status: detail.status,
      status_reason: detail.status_reason,
      status_message: detail.status_message,
    });
  }
  const refused = Object.entries(refusals).map(([name, { body }]) => [name, body.next_action]);
  return {
    actions: { detail: detail.next_action, listed: listed?.next_action, ...Object.fromEntries(refused) },
    lastErrors: { detail: detail.last_error, listed: listed?.last_error },
  };
}

const everywhere = (action: string) =>
  Object.fromEntries(
    ['authorization', 'detail', 'listed', 'fetch', 'renew', 'test', 'refresh'].map((place) => [place, action]),
  );

type Exchange = { class: string; error: string | null; error_description?: string | null; http_status: number };

test.each<[string, string, Scenario, Exchange | null]>([
  ['a denial', 'authorize', { parameters: { error: 'access_denied' } }, null],
  ['refused scopes', 'reconfigure', { parameters: { error: 'invalid_scope' } }, null],
  ['a client without the right', 'reconfigure', { parameters: { error: 'unauthorized_client' } }, null],
  ['another error of the provider', 'authorize', { parameters: { error: 'login_required' } }, null],
  [
    'a code that is too old',
    'authorize',
    { replies: { '/token': json(400, { error: 'invalid_grant' }) } },
    { class: 'reauthorization', error: 'invalid_grant', http_status: 400 },
  ],
  [
    'a refused client',
    'reconfigure',
    { replies: { '/token': json(401, { error: 'invalid_client', error_description: 'The client is\n locked.' }) } },
    { class: 'client', error: 'invalid_client', error_description: 'The client is locked.', http_status: 401 },
  ],
  [
    'refused settings',
    'reconfigure',
    { replies: { '/token': json(400, { error: 'unsupported_grant_type' }) } },
    { class: 'configuration', error: 'unsupported_grant_type', http_status: 400 },
  ],
  [
    'a provider that is away',
    'authorize',
    { replies: { '/token': json(503, {}) } },
    { class: 'transient', error: null, http_status: 503 },
  ],
  ['access that does not work', 'authorize', { replies: { '/me': json(401, {}) } }, null],
  ['another account than expected', 'authorize', { authorization: { account_id: 'grace' } }, null],
  [
    'an account that is not confirmed',
    'reconfigure',
    { authorization: { account_id: 'grace' }, replies: { '/me': json(200, {}) } },
    null,
  ],
  [
    'a connection that is changed meanwhile',
    'authorize',
    { during: ({ path }) => scene.api.patch(path, { client_id: 'other', client_secret: 's' }) },
    null,
  ],
])('after %s, page, authorization, connection and refusals say %s', async (_cause, action, scenario, exchange) => {
  const { page, actions, lastErrors } = await failAuthorization(scenario);
  expect(actions).toEqual(everywhere(action));
  expect(page.includes('What an administrator must do')).toBe(action === 'reconfigure');
  const lastError = exchange && { error_description: null, ...exchange, at: expect.any(String), attempts: 1 };
  expect(lastErrors).toEqual({ detail: lastError, listed: lastError });
});

test('an edit after the failure sends the person back to the provider; the last error stays', async () => {
  const { connection, lastErrors } = await failAuthorization({
    replies: { '/token': json(401, { error: 'invalid_client' }) },
  });
  expect((await scene.api.patch(connection.path, { client_secret: 'mended' })).status).toBe(200);
  const mended = await placesOf(connection);
  expect(new Set(Object.values(mended.actions))).toEqual(new Set(['authorize']));
  expect(mended.lastErrors).toEqual(lastErrors);
});

test('a later authorization replaces the failure', async () => {
  const { connection } = await failAuthorization({ replies: { '/token': json(401, { error: 'invalid_client' }) } });
  await openAuthorization(scene, connection);
  const { actions, lastErrors } = await placesOf(connection);
  expect(new Set(Object.values(actions))).toEqual(new Set(['authorize']));
  expect(lastErrors).toEqual({ detail: null, listed: null });
});
