import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeEntities } from '../support/browser.ts';
import { json } from '../support/hostile-provider.ts';
import { addConnection, begin, connect, obey, openScene, type Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene({ ALLOWED_RETURN_URLS: 'https://app.test' });
});
afterAll(() => scene?.close());

const outcome = async (state: string, organization?: string) =>
  (await scene.api.get(`/authorizations/${state}`, { organization })).body;

describe('threat 27: session swap', () => {
  test('page and status name the organisation, the subject and the account', async () => {
    const connection = await addConnection(scene, { organization: 'acme' });
    const trip = await begin(scene, connection, { subject: 'user-42' });
    const { body } = await trip.comeBack();
    for (const part of [connection.name, 'acme', 'user-42', 'Ada', 'ada']) expect(body).toContain(part);
    const told = { status: 'completed', subject: 'user-42', account_id: 'ada', connection_name: connection.name };
    expect(await outcome(trip.state, 'acme')).toMatchObject(told);
  });

  test('a reconnect that ends at another account is refused though nobody named one, and keeps what there was', async () => {
    const connection = await addConnection(scene);
    await connect(scene, connection);
    const before = (await scene.api.get(connection.credential)).body.access_token;
    scene.provider.script('/me', json(200, { sub: 'mallory' }));
    const trip = await begin(scene, connection);
    expect((await trip.comeBack()).body).toContain('Not connected');
    expect(await outcome(trip.state)).toMatchObject({ status: 'failed', status_reason: 'account_mismatch' });
    expect((await scene.api.get(connection.credential)).body).toMatchObject({
      access_token: before,
      account_id: 'ada',
    });
    expect(scene.provider.received.filter(({ path }) => path === '/revoke')).toEqual([]);
    obey(scene.provider);
  });

  test('only the caller can allow it, and says so when the trip begins', async () => {
    const connection = await addConnection(scene);
    await connect(scene, connection);
    scene.provider.script('/me', json(200, { sub: 'grace' }));
    const trip = await begin(scene, connection, { allow_account_change: true });
    expect((await trip.comeBack({ code: 'c', allow_account_change: 'false' })).body).toContain('Connected');
    expect((await scene.api.get(connection.credential)).body.account_id).toBe('grace');
    const refused = await begin(scene, connection, { account_id: 'ada' });
    await refused.comeBack({ code: 'c', account_id: 'grace', allow_account_change: 'true' });
    expect(await outcome(refused.state)).toMatchObject({ status_reason: 'account_mismatch' });
    obey(scene.provider);
  });
});

describe('threat 31: what others wrote is text on a page', () => {
  const attacks = [
    '<svg onload=alert(1)>',
    '"><script>alert(1)</script>',
    "' onmouseover='x",
    '</title><img src=x>',
    '&lt;b&gt;',
  ];

  test.each(attacks)('an account, a subject and a refusal of %j', async (attack) => {
    const connection = await addConnection(scene);
    scene.provider.script('/me', json(200, { sub: attack, name: attack }));
    const connected = await (await begin(scene, connection, { subject: attack })).comeBack();
    expect(decodeEntities(connected.body)).toContain(attack);
    const denied = await (await begin(scene, connection, { subject: attack })).comeBack({
      error: attack,
      error_description: attack,
      error_uri: `javascript:${attack}`,
    });
    const refused = await (await begin(scene, connection)).comeBack({ state: attack, code: attack });
    for (const { body } of [connected, denied, refused]) {
      expect(body).not.toContain(attack);
      expect(body).not.toMatch(
        /<(script|svg|img|iframe|object|embed|form|base|link|a)\b|<[^>]*\son\w+\s*=|javascript:/i,
      );
    }
    obey(scene.provider);
  });

  test('an account cannot read as another by turning the direction of the text', async () => {
    const connection = await addConnection(scene);
    scene.provider.script('/me', json(200, { sub: 'mallory', name: 'Ada\u202e(ada)' }));
    const { body } = await (await begin(scene, connection)).comeBack();
    expect(body).toMatch(/<bdi>Ada\u202e\(ada\)<\/bdi> \(<bdi>mallory<\/bdi>\)/);
    obey(scene.provider);
  });

  test('every page, refusals too, keeps scripts, frames, caches and referrers out', async () => {
    const connection = await addConnection(scene);
    const trip = await begin(scene, connection);
    const pages = [
      await trip.comeBack(),
      await trip.comeBack(),
      await trip.browser.send('GET', new URL(`${scene.url}/authorize/${'x'.repeat(43)}`)),
      await trip.browser.send('GET', new URL(`${scene.url}/callback/%00`)),
      await trip.browser.send('GET', new URL(`${scene.url}/docs`)),
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

  test('the answers that pass state and code on leave no referrer and no copy', async () => {
    const connection = await addConnection(scene);
    const trip = await begin(scene, connection, { return_url: 'https://app.test/' });
    const hops = [await trip.browser.send('GET', new URL(trip.link)), await trip.comeBack()];
    for (const { status, headers } of hops) {
      expect(status).toBe(303);
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cache-control')).toContain('no-store');
    }
  });
});
