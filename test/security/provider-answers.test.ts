import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { drip, flood, gzipBomb, json, text } from '../support/hostile-provider.ts';
import { addConnection, begin, connect, obey, openScene, type Scene } from './scene.ts';

describe('a provider that answers without measure', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ PROVIDER_TIMEOUT_MS: '1500', PROVIDER_CALL_CAP_MS: '1500' });
  });
  afterEach(() => obey(scene.provider));
  afterAll(() => scene?.close());

  test.each([
    ['a bomb', gzipBomb],
    ['a flood', flood],
    ['a drip', drip],
    ['brackets without end', text(200, '['.repeat(200_000), { 'content-type': 'application/json' })],
    ['an object as deep as the cap allows', text(200, '{"a":'.repeat(50_000), { 'content-type': 'application/json' })],
    ['ten thousand members', json(200, Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`m${at}`, at])))],
  ])('threat 26: %s ends the trip with a message, costs no memory and stops nobody', async (_, reply) => {
    const connection = await addConnection(scene);
    const trip = await begin(scene, connection);
    scene.provider.script('/token', reply);
    const back = trip.comeBack();
    expect((await scene.api.get('/connections')).status).toBe(200);
    expect((await back).body).toContain('Not connected');
    expect(residentMegabytes(scene)).toBeLessThan(400);
  });

  test.each<[string, object]>([
    ['a header in the token', { access_token: 'a\r\nx-evil: 1' }],
    ['a NUL in the refresh token', { refresh_token: 'r\0' }],
    ['an endless token', { access_token: 'a'.repeat(20_000) }],
    ['a token that is a list', { access_token: ['a'] }],
    ['a token that is a prototype', { access_token: { __proto__: 'a', toString: 'a' } }],
  ])('threat 14: %s is not stored', async (_, answer) => {
    const connection = await addConnection(scene);
    const trip = await begin(scene, connection);
    scene.provider.script('/token', json(200, { access_token: 'sound', ...answer }));
    expect((await trip.comeBack()).body).toContain('Not connected');
    expect((await scene.api.get(connection.credential)).status).toBe(503);
  });

  test.each<[string, object]>([
    ['huge', { expires_in: 1e308 }],
    ['negative', { expires_in: -1e308 }],
    ['text', { expires_in: '9'.repeat(400) }],
    ['beyond all dates', { expires_at: 8.64e15 }],
    ['a list', { expires_in: [1], expires_at: {} }],
    ['polluting', JSON.parse('{"__proto__":{"expires_in":1},"constructor":{"prototype":{"x":1}}}')],
    ['scopes by the thousand', { scope: Array.from({ length: 20_000 }, (_, at) => `s${at}`).join(' ') }],
  ])('an answer that is %s otherwise leaves a token that can be fetched', async (_, answer) => {
    const connection = await addConnection(scene);
    scene.provider.script('/token', json(200, { access_token: 'sound', ...answer }));
    expect((await (await begin(scene, connection)).comeBack()).body).toContain('Connected');
    const { status, body, text: whole } = await scene.api.get(connection.credential);
    expect(status, whole).toBe(200);
    expect(body.access_token).toBe('sound');
    for (const route of [connection.path, '/connections?limit=200', `${connection.path}/grants`])
      expect((await scene.api.get(route)).status, route).toBe(200);
  });

  test.each(['99999999999999999999', 'Fri, 31 Dec 9999 23:59:59 GMT', '-5', 'soon', '1e9'])(
    'a Retry-After of %j is an outage like any other',
    async (retryAfter) => {
      const connection = await addConnection(scene);
      await connect(scene, connection);
      scene.provider.script('/token', json(503, {}, { 'retry-after': retryAfter }));
      const answer = await scene.api.post(`${connection.path}/refresh`);
      expect(answer, answer.text).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } });
      expect(Number(answer.headers.get('retry-after'))).toBeLessThan(86_401);
    },
  );
});

/** What the operating system says the service holds in memory. */
function residentMegabytes({ broker }: Scene): number {
  const [, kilobytes = '0'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${broker.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}
