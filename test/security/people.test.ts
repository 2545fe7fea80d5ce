import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeEntities } from '../support/browser/browser.ts';
import { json } from '../support/provider/hostile-provider.ts';
import { addConnection, connect, openAuthorization, openScene, type Scene, scriptCorrectReplies } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ ALLOWED_RETURN_URLS: 'https://app.test' });
});
afterAll(() => scene?.close());

const outcome = async (state: string, organization?: string) =>
  (await scene.api.get(`/authorizations/${state}`, { organization })).body;

describe('session swap', () => {
  test('the result page and the authorization status name the organisation, subject and account', async () => {
    const connection = await addConnection(scene, { organization: 'acme' });
    const authorization = await openAuthorization(scene, connection, { subject: 'user-42' });
    const { body } = await authorization.sendCallback();
    for (const part of [connection.name, 'acme', 'user-42', 'Ada', 'ada']) expect(body).toContain(part);
    const completed = { status: 'completed', subject: 'user-42', account_id: 'ada', connection_name: connection.name };
    expect(await outcome(authorization.state, 'acme')).toMatchObject(completed);
  });

  test('a reconnect with another account is refused even if the caller names none, and the old token stays', async () => {
    const connection = await addConnection(scene);
    await connect(scene, connection);
    const before = (await scene.api.get(connection.credential)).body.access_token;
    scene.provider.script('/me', json(200, { sub: 'mallory' }));
    const authorization = await openAuthorization(scene, connection);
    expect((await authorization.sendCallback()).body).toContain('Not connected');
    expect(await outcome(authorization.state)).toMatchObject({ status: 'failed', status_reason: 'account_mismatch' });
    expect((await scene.api.get(connection.credential)).body).toMatchObject({
      access_token: before,
      account_id: 'ada',
    });
    expect(scene.provider.received.filter(({ path }) => path === '/revoke')).toEqual([]);
    scriptCorrectReplies(scene.provider);
  });

  test('only the caller can allow another account, when it starts the authorization', async () => {
    const connection = await addConnection(scene);
    await connect(scene, connection);
    scene.provider.script('/me', json(200, { sub: 'grace' }));
    const authorization = await openAuthorization(scene, connection, { allow_account_change: true });
    expect((await authorization.sendCallback({ code: 'c', allow_account_change: 'false' })).body).toContain(
      'Connected',
    );
    expect((await scene.api.get(connection.credential)).body.account_id).toBe('grace');
    const refused = await openAuthorization(scene, connection, { account_id: 'ada' });
    await refused.sendCallback({ code: 'c', account_id: 'grace', allow_account_change: 'true' });
    expect(await outcome(refused.state)).toMatchObject({ status_reason: 'account_mismatch' });
    scriptCorrectReplies(scene.provider);
  });
});

describe('text from providers and callers on pages', () => {
  const attacks = [
    '<svg onload=alert(1)>',
    '"><script>alert(1)</script>',
    "' onmouseover='x",
    '</title><img src=x>',
    '&lt;b&gt;',
  ];

  test.each(attacks)('an account, a subject and an error of %j appear escaped on the page', async (attack) => {
    const connection = await addConnection(scene);
    scene.provider.script('/me', json(200, { sub: attack, name: attack }));
    const connected = await (await openAuthorization(scene, connection, { subject: attack })).sendCallback();
    expect(decodeEntities(connected.body)).toContain(attack);
    const denied = await (await openAuthorization(scene, connection, { subject: attack })).sendCallback({
      error: attack,
      error_description: attack,
      error_uri: `javascript:${attack}`,
    });
    const refused = await (await openAuthorization(scene, connection)).sendCallback({ state: attack, code: attack });
    for (const { body } of [connected, denied, refused]) {
      expect(body).not.toContain(attack);
      expect(body).not.toMatch(
        /<(script|svg|img|iframe|object|embed|form|base|link|a)\b|<[^>]*\son\w+\s*=|javascript:/i,
      );
    }
    scriptCorrectReplies(scene.provider);
  });

  test('an account name cannot imitate another by changing the text direction', async () => {
    const connection = await addConnection(scene);
    scene.provider.script('/me', json(200, { sub: 'mallory', name: 'Ada\u202e(ada)' }));
    const { body } = await (await openAuthorization(scene, connection)).sendCallback();
    expect(body).toMatch(/<bdi>Ada\u202e\(ada\)<\/bdi> \(<bdi>mallory<\/bdi>\)/);
    scriptCorrectReplies(scene.provider);
  });

  test('every page, error pages included, forbids scripts, frames, caching and referrers', async () => {
    const connection = await addConnection(scene);
    const authorization = await openAuthorization(scene, connection);
    const pages = [
      await authorization.sendCallback(),
      await authorization.sendCallback(),
      await authorization.browser.send('GET', new URL(`${scene.url}/authorize/${'x'.repeat(43)}`)),
      await authorization.browser.send('GET', new URL(`${scene.url}/callback/%00`)),
      await authorization.browser.send('GET', new URL(`${scene.url}/docs`)),
    ];
    for (const { headers, status } of pages) {
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy, String(status)).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cache-control')).toContain('no-store');
    }
  });

  test('redirects with state or code are not cached and send no referrer', async () => {
    const connection = await addConnection(scene);
    const authorization = await openAuthorization(scene, connection, { return_url: 'https://app.test/' });
    const hops = [
      await authorization.browser.send('GET', new URL(authorization.link)),
      await authorization.sendCallback(),
    ];
    for (const { status, headers } of hops) {
      expect(status).toBe(303);
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cache-control')).toContain('no-store');
    }
  });
});
