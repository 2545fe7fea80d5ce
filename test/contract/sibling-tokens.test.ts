import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createBrowser } from '../support/browser/browser.ts';
import { startWorkspaceProvider, type WorkspaceProvider } from '../support/provider/workspace-provider.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
let slack: WorkspaceProvider;
beforeAll(async () => {
  [service, slack] = await Promise.all([openService(), startWorkspaceProvider()]);
});
afterAll(async () => {
  await slack?.close();
  await service?.close();
});
beforeEach(() => {
  slack.seconds = { bot: 43_200, user: 43_200 };
  slack.kinds = ['bot', 'user'];
  slack.refused = { bot: null, user: null };
  slack.spent = [];
  slack.revoked = [];
});

/** Creates a connection of the template of Slack, with the URLs of the local provider. */
async function add(body: Record<string, unknown> = {}): Promise<string> {
  const name = uniqueName('slack');
  const { status, text } = await service.api.post('/connections', {
    connection_name: name,
    provider: 'slack',
    client_id: 'client',
    client_secret: 'secret',
    authorization_url: `${slack.origin}/authorize`,
    token_url: `${slack.origin}/token`,
    test_url: `${slack.origin}/auth.test`,
    scopes: ['chat:write'],
    allow_import: true,
    ...body,
  });
  expect(status, text).toBe(201);
  return name;
}

async function connect(name: string, team: string, body: Record<string, unknown> = {}): Promise<void> {
  const started = await service.api.post(`/connections/${name}/authorize`, { login_hint: team, ...body });
  const page = await createBrowser().open(started.body.authorization_url as string);
  expect(page.body).toContain('Connected');
}

const credential = async (name: string, query = '') => (await service.api.get(`/credentials/${name}${query}`)).body;
const extraOf = async (name: string) => (await credential(name)).extra as Record<string, unknown>;
const refresh = (name: string, body: Record<string, unknown> = {}) =>
  service.api.post(`/connections/${name}/refresh`, body);
async function warningsOf(name: string) {
  const { grants } = (await service.api.get(`/connections/${name}/grants`)).body;
  return (grants as { warnings: { code: string; message: string }[] }[]).flatMap(({ warnings }) => warnings);
}
const userToken = (team: string, number: number) => ({
  access_token: `a-user-${team}-${number}`,
  token_type: 'Bearer',
  expires_at: expect.stringMatching(/^\d{4}-/),
  scopes: ['search:read'],
  status: 'completed',
  status_reason: null,
});

describe('a user token beside a bot token', () => {
  test('two workspaces of one person hold two tokens each, served under the workspace alone', async () => {
    const name = await add({ multi_account: true });
    for (const team of ['T1', 'T2']) await connect(name, team, { subject: 'ada' });
    expect(await credential(name, '?subject=ada')).toMatchObject({
      code: 'account_ambiguous',
      account_names: { T1: 'Workspace T1', T2: 'Workspace T2' },
    });
    for (const team of ['T1', 'T2']) {
      expect(await credential(name, `?subject=ada&account_id=${team}`)).toMatchObject({
        access_token: `a-bot-${team}-1`,
        scopes: ['chat:write', 'channels:read'],
        extra: { team_id: team, user: userToken(team, 1), user_access_token: `a-user-${team}-1` },
      });
    }
  });

  test('a refresh on demand refreshes each by itself, and each refresh token is sent once', async () => {
    const name = await add();
    await connect(name, 'T3');
    expect((await refresh(name)).status).toBe(200);
    expect(slack.spent).toEqual(['r-bot-T3-1', 'r-user-T3-1']);
    expect(await credential(name)).toMatchObject({
      access_token: 'a-bot-T3-2',
      extra: { user: userToken('T3', 2), user_access_token: 'a-user-T3-2', team_id: 'T3' },
    });
  });

  test('its refusal leaves the bot token refreshed and labels it; a reconnect replaces it', async () => {
    const name = await add();
    await connect(name, 'T4');
    slack.refused.user = 'token_revoked';
    expect((await refresh(name)).status).toBe(200);
    const body = await credential(name);
    expect([body.access_token, body.status, body.next_action]).toEqual(['a-bot-T4-2', 'completed', 'none']);
    expect(body.extra).toMatchObject({
      user: { access_token: 'a-user-T4-1', status: 'failed', status_reason: 'reauthorization_required' },
    });
    expect(await warningsOf(name)).toMatchObject([
      { code: 'sibling_failed', message: expect.stringContaining('user can no longer be refreshed') },
    ]);
    slack.refused.user = null;
    await connect(name, 'T4');
    expect(await warningsOf(name)).toEqual([]);
    expect((await extraOf(name)).user).toMatchObject({ status: 'completed', status_reason: null });
  });

  test('it is never served after it expired, nor its copy', async () => {
    slack.seconds.user = 3;
    slack.refused.user = 'token_revoked';
    const name = await add();
    await connect(name, 'T5');
    const isServed = async () => {
      const { user, user_access_token: copy } = await extraOf(name);
      return [(user as { access_token: string | null }).access_token, copy];
    };
    await expect.poll(isServed, { timeout: 15_000, interval: 200 }).toEqual([null, undefined]);
    expect((await extraOf(name)).user).toMatchObject({ access_token: null, expires_at: expect.any(String) });
    expect((await credential(name)).access_token).toBe('a-bot-T5-1');
  });

  test('it is refreshed by itself before it expires, while the bot token is not', async () => {
    slack.seconds.user = 4;
    const name = await add();
    await connect(name, 'T6');
    const number = async () => {
      const { user, user_access_token: copy } = await extraOf(name);
      expect(copy).toBe((user as { access_token: string }).access_token);
      return Number(String(copy).split('-').at(-1));
    };
    await expect.poll(number, { timeout: 15_000, interval: 100 }).toBeGreaterThan(1);
    expect(slack.spent.filter((sent) => sent.startsWith('r-bot'))).toEqual([]);
    expect(new Set(slack.spent).size).toBe(slack.spent.length);
  });

  test('the refusal of the bot token leaves it served while the bot token lives', async () => {
    const name = await add();
    await connect(name, 'T7');
    slack.refused.bot = 'invalid_refresh_token';
    expect((await refresh(name)).status).toBe(503);
    expect(await credential(name)).toMatchObject({ status: 'failed', extra: { user: userToken('T7', 1) } });
  });

  test('an authorization that brings a user token alone has no second one, and its refresh token is sent once', async () => {
    slack.kinds = ['user'];
    const name = await add();
    await connect(name, 'T8');
    expect(await credential(name)).toMatchObject({
      access_token: 'a-user-T8-1',
      extra: { user_access_token: 'a-user-T8-1' },
    });
    await refresh(name);
    expect(slack.spent).toEqual(['r-user-T8-1']);
    const { access_token, extra } = await credential(name);
    expect([access_token, extra]).toEqual([
      'a-user-T8-2',
      expect.objectContaining({ user_access_token: 'a-user-T8-2' }),
    ]);
    expect(extra).not.toHaveProperty('user');
  });

  test('an import of the raw token response keeps both, and a reconnect without a user token drops the old one', async () => {
    const name = await add();
    const imported = await service.api.post(`/connections/${name}/grants`, { token_response: slack.body('T9') });
    expect(imported.status, imported.text).toBe(201);
    expect((await extraOf(name)).user).toEqual(userToken('T9', 1));
    await refresh(name);
    expect((await extraOf(name)).user).toEqual(userToken('T9', 2));
    slack.kinds = ['bot'];
    await connect(name, 'T9', { allow_account_change: true });
    expect(await extraOf(name)).not.toHaveProperty('user');
  });

  test('a revocation ends both at the provider', async () => {
    const name = await add({ revocation_url: `${slack.origin}/auth.revoke` });
    await connect(name, 'T10');
    await service.api.post(`/connections/${name}/revoke`);
    await expect
      .poll(() => slack.revoked.toSorted())
      .toEqual(['a-bot-T10-1', 'a-user-T10-1', 'r-bot-T10-1', 'r-user-T10-1']);
    expect((await service.api.get(`/credentials/${name}`)).status).toBe(503);
  });
});
