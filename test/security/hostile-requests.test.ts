import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, connect, expectStatus, openScene, type Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene?.close());

/** Posts a body as raw text, so that prototype members and duplicates reach the service. */
function postRaw(path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  const all = { authorization: `Bearer ${scene.adminKey}`, 'content-type': 'application/json', ...headers };
  return fetch(`${scene.url}${path}`, { method: 'POST', headers: all, body });
}

describe('prototype pollution', () => {
  test.each([
    '{"__proto__":{"permissions":["admin:write"]},"connection_name":"x","client_id":"x"}',
    '{"connection_name":"x","client_id":"x","constructor":{"prototype":{"global":true}}}',
    '{"connection_name":"x","client_id":"x","authorize_params":{"__proto__":"x"}}',
    '{"connection_name":"x","client_id":"x","token_params":{"constructor":{"prototype":{}}}}',
    '{"connection_name":"x","client_id":"x","variables":{"\\u005f_proto__":"x"}}',
  ])('a body with prototype members is refused: %s', async (body) => {
    expect((await postRaw('/connections', body)).status).toBe(400);
    expect((await postRaw('/connections/x/grants', body.replace('authorize_params', 'extra'))).status).toBe(400);
  });

  test.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty'])(
    'a parameter named %s is stored and sent like any other',
    async (name) => {
      const params = { [name]: 'plain' };
      const connection = await addConnection(scene, { body: { authorize_params: params, token_params: params } });
      await connect(scene, connection);
      expect((await scene.api.get(connection.path)).body).toMatchObject({
        authorize_params: params,
        token_params: params,
      });
      const request = scene.provider.received.findLast(({ path }) => path === '/token');
      expect(new URLSearchParams(request?.body).get(name)).toBe('plain');
    },
  );
});

describe('extreme values', () => {
  test.each([
    'min_ttl=99999999999999999999',
    'min_ttl=1e308',
    'min_ttl=-1',
    'min_ttl=NaN',
    'min_ttl=1&min_ttl=2',
    'min_ttl[]=1',
    'min_ttl=%31%00',
    'subject=a%00b',
    'subject=%ff%fe',
    'subject=%ED%A0%80',
    `subject=${'x'.repeat(4000)}`,
    `scopes=${','.repeat(5000)}`,
    `scopes=${'a,'.repeat(4000)}`,
    'account_id=%0d%0ax-evil:1',
    'subject=__proto__&account_id=constructor',
  ])('a fetch with the query %s gets 400 or 404, never a server error', async (query) => {
    const { status } = await scene.api.get(`/credentials/nothing?${query.slice(0, 12_000)}`);
    expect([400, 404]).toContain(status);
  });

  test.each([
    { expires_in: 1e308 },
    { expires_in: -1 },
    { expires_in: 0.5 },
    { expires_at: '+275760-09-13T00:00:00.001Z' },
    { expires_at: '0000-01-01T00:00:00Z' },
    { expires_at: '2030-02-30T00:00:00Z' },
    { expires_at: '2030-01-01T00:00:00+99:99' },
    { expires_at: 1e20 },
    { subject: 'a\0b' },
    { subject: '\ud800' },
    { account_id: 'x\r\ny' },
    { access_token: 'a\r\nx: y' },
    { access_token: 'ä' },
    { scopes: 'a\0' },
    { extra: { 'a\0': 1 } },
    { extra: { a: '\0' } },
    { extra: { a: '\ud800' } },
  ])('an import with %j is either refused or stored completely', async (change) => {
    const connection = await addConnection(scene);
    const response = await scene.api.post(`${connection.path}/grants`, { access_token: 'sound', ...change });
    expect([201, 400], response.text).toContain(response.status);
    const fetched = await scene.api.get(`${connection.path}/grants`);
    expect(fetched.body.grants).toHaveLength(response.status === 201 ? 1 : 0);
    if (response.status === 201) expect((await scene.api.get(connection.credential)).status).toBe(200);
  });

  test('look-alike connection names are refused, and look-alike subjects stay distinct', async () => {
    for (const connection_name of [
      'аdmin',
      'crm\u200b',
      'crm\u202e',
      'ｃｒｍ',
      'crm\u0000',
      'c'.repeat(101),
      '..',
      '%2e',
      '',
    ])
      expect((await scene.api.post('/connections', { connection_name, client_id: 'x' })).status).toBe(400);
    const connection = await addConnection(scene);
    const lookAlikes = ['é', 'e\u0301', 'É', '𝒆', '\u202ee'];
    for (const [at, subject] of lookAlikes.entries())
      expectStatus(await scene.api.post(`${connection.path}/grants`, { access_token: `of-${at}`, subject }), 201);
    for (const [at, subject] of lookAlikes.entries()) {
      const response = await scene.api.get(`${connection.credential}?subject=${encodeURIComponent(subject)}`);
      expect(response.body).toMatchObject({ subject, access_token: `of-${at}` });
    }
  });

  test('a cursor that no list returned is refused, whatever its length', async () => {
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const id = '01980c2e-6f5a-7c31-9b0e-0d6d6f1c2a11';
    const cursors = [
      encode(null),
      encode({}),
      encode([]),
      encode(['a']),
      encode(['a', "x' or true"]),
      encode(['a\0', id]),
      encode([{ toString: 1 }, id]),
      encode(['a', id, 'b']).repeat(3),
      '[['.repeat(1000),
      'A'.repeat(10_000),
      '%00',
      '\u{1f4a9}',
    ];
    for (const cursor of cursors) {
      const { status } = await scene.api.get(`/connections?cursor=${encodeURIComponent(cursor)}`);
      expect(status, cursor.slice(0, 40)).toBe(400);
    }
    expect((await scene.api.get(`/connections?cursor=${encode(['\ud800', id])}`)).status).toBeLessThan(500);
    expect((await scene.api.get("/connections?q=%25'%20or%20true%20--%5C")).body.connections).toEqual([]);
  });

  test('an If-Match header without the right entity tag changes nothing, however long it is', async () => {
    const connection = await addConnection(scene);
    const etag = String((await scene.api.get(connection.path)).headers.get('etag'));
    const mismatches = [
      '""'.repeat(3000),
      '"a",'.repeat(2500),
      '"'.repeat(9999),
      `W/${etag.replace('-1"', '-01"')}`,
      etag.replace('-1"', '-01"'),
      etag.replaceAll('"', ''),
      ' ',
    ];
    for (const mismatch of mismatches) {
      const response = await scene.api.patch(
        connection.path,
        { description: 'x' },
        { headers: { 'if-match': mismatch } },
      );
      expect([400, 412], mismatch.slice(0, 30)).toContain(response.status);
    }
    const matching = { headers: { 'if-match': `"x", ${etag}` } };
    expect((await scene.api.patch(connection.path, { description: 'x' }, matching)).status).toBe(200);
  });
});
