import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { drip, flood, gzipBomb, json, text } from '../support/provider/hostile-provider.ts';
import { addConnection, connect, openAuthorization, openScene, type Scene, scriptCorrectReplies } from './scene.ts';

describe('extreme responses of a provider', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ PROVIDER_TIMEOUT_MS: '1500', PROVIDER_CALL_CAP_MS: '1500' });
  });
  afterEach(() => scriptCorrectReplies(scene.provider));
  afterAll(() => scene?.close());

  test.each([
    ['a gzip bomb', gzipBomb],
    ['an endless body', flood],
    ['a dripping body', drip],
    ['200,000 opening brackets', text(200, '['.repeat(200_000), { 'content-type': 'application/json' })],
    ['an object 50,000 levels deep', text(200, '{"a":'.repeat(50_000), { 'content-type': 'application/json' })],
    [
      'an object of 10,000 members',
      json(200, Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`m${at}`, at]))),
    ],
  ])(
    '%s as token response fails the authorization, uses little memory and blocks no other request',
    async (_, reply) => {
      const connection = await addConnection(scene);
      const authorization = await openAuthorization(scene, connection);
      scene.provider.script('/token', reply);
      const callback = authorization.sendCallback();
      expect((await scene.api.get('/connections')).status).toBe(200);
      expect((await callback).body).toContain('Not connected');
      expect(residentMebibytes(scene)).toBeLessThan(400);
    },
  );

  test.each<[string, object]>([
    ['a header in the access token', { access_token: 'a\r\nx-evil: 1' }],
    ['a NUL in the refresh token', { refresh_token: 'r\0' }],
    ['a token of 70,000 characters', { access_token: 'a'.repeat(70_000) }],
    ['a list as token', { access_token: ['a'] }],
    ['an object as token', { access_token: { __proto__: 'a', toString: 'a' } }],
  ])('a token response with %s is not stored', async (_, response) => {
    // Without a test call, which would fail with such a token and hide that the token was accepted.
    const connection = await addConnection(scene, { body: { test_url: null } });
    const authorization = await openAuthorization(scene, connection);
    scene.provider.script('/token', json(200, { access_token: 'sound', ...response }));
    expect((await authorization.sendCallback()).body).toContain('Not connected');
    expect((await scene.api.get(connection.credential)).status).toBe(503);
  });

  test.each<[string, object]>([
    ['a huge lifetime', { expires_in: 1e308 }],
    ['a negative lifetime', { expires_in: -1e308 }],
    ['a lifetime of 400 digits', { expires_in: '9'.repeat(400) }],
    ['an expiry beyond every date', { expires_at: 8.64e15 }],
    ['a list as lifetime', { expires_in: [1], expires_at: {} }],
    ['prototype members', JSON.parse('{"__proto__":{"expires_in":1},"constructor":{"prototype":{"x":1}}}')],
    ['20,000 scopes', { scope: Array.from({ length: 20_000 }, (_, at) => `s${at}`).join(' ') }],
  ])('a token response with %s leaves a token that can be fetched', async (_, response) => {
    const connection = await addConnection(scene);
    scene.provider.script('/token', json(200, { access_token: 'sound', ...response }));
    expect((await (await openAuthorization(scene, connection)).sendCallback()).body).toContain('Connected');
    const { status, body, text: fullText } = await scene.api.get(connection.credential);
    expect(status, fullText).toBe(200);
    expect(body.access_token).toBe('sound');
    for (const route of [connection.path, '/connections?limit=200', `${connection.path}/grants`])
      expect((await scene.api.get(route)).status, route).toBe(200);
  });

  test.each(['99999999999999999999', 'Fri, 31 Dec 9999 23:59:59 GMT', '-5', 'soon', '1e9'])(
    'a Retry-After of %j reports an outage of at most a day',
    async (retryAfter) => {
      const connection = await addConnection(scene);
      await connect(scene, connection);
      scene.provider.script('/token', json(503, {}, { 'retry-after': retryAfter }));
      const response = await scene.api.post(`${connection.path}/refresh`);
      expect(response, response.text).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
      expect(Number(response.headers.get('retry-after'))).toBeLessThan(86_401);
    },
  );
});

/** Resident memory of the service process in MiB, as the kernel reports it. */
function residentMebibytes({ broker }: Scene): number {
  const [, kilobytes = '0'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${broker.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}
