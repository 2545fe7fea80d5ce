import { connect as openSocket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiAnswer } from '../support/broker-api.ts';
import { addConnection, allPermissions, connect, expectStatus, openScene, type Scene, uniqueName } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await openScene();
});
afterAll(() => scene?.close());

/** A body as it is written, duplicates and all. */
function post(path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  const all = { authorization: `Bearer ${scene.adminKey}`, 'content-type': 'application/json', ...headers };
  return fetch(`${scene.url}${path}`, { method: 'POST', headers: all, body });
}

/** Bytes as they are, and all that comes back for them. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = openSocket(scene.broker.port, '127.0.0.1', () => socket.write(bytes));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer)).on('error', reject);
    // Whoever has nothing to say any more after half a second leaves.
    socket.setTimeout(500, () => socket.destroy());
  });
}

describe('names of the prototype', () => {
  test.each([
    '{"__proto__":{"permissions":["admin:write"]},"connection_name":"x","client_id":"x"}',
    '{"connection_name":"x","client_id":"x","constructor":{"prototype":{"global":true}}}',
    '{"connection_name":"x","client_id":"x","authorize_params":{"__proto__":"x"}}',
    '{"connection_name":"x","client_id":"x","token_params":{"constructor":{"prototype":{}}}}',
    '{"connection_name":"x","client_id":"x","variables":{"\\u005f_proto__":"x"}}',
  ])('are refused as members: %s', async (body) => {
    expect((await post('/connections', body)).status).toBe(400);
    expect((await post('/connections/x/grants', body.replace('authorize_params', 'extra'))).status).toBe(400);
  });

  test.each(['constructor', 'toString', 'valueOf', 'hasOwnProperty'])(
    '%s is a parameter like any other',
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

describe('values without measure', () => {
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
  ])('a fetch with %s is answered, and not by a failure of ours', async (query) => {
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
  ])('an import with %j is refused or stored whole, never half', async (change) => {
    const connection = await addConnection(scene);
    const answer = await scene.api.post(`${connection.path}/grants`, { access_token: 'sound', ...change });
    expect([201, 400], answer.text).toContain(answer.status);
    const fetched = await scene.api.get(`${connection.path}/grants`);
    expect(fetched.body.grants).toHaveLength(answer.status === 201 ? 1 : 0);
    if (answer.status === 201) expect((await scene.api.get(connection.credential)).status).toBe(200);
  });

  test('names that look alike or read backwards stay the names they are', async () => {
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
    const twins = ['é', 'e\u0301', 'É', '𝒆', '\u202ee'];
    for (const [at, subject] of twins.entries())
      expectStatus(await scene.api.post(`${connection.path}/grants`, { access_token: `of-${at}`, subject }), 201);
    for (const [at, subject] of twins.entries()) {
      const answer = await scene.api.get(`${connection.credential}?subject=${encodeURIComponent(subject)}`);
      expect(answer.body).toMatchObject({ subject, access_token: `of-${at}` });
    }
  });

  test('cursors that no list has given, of any length, are refused', async () => {
    const write = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const id = '01980c2e-6f5a-7c31-9b0e-0d6d6f1c2a11';
    const cursors = [
      write(null),
      write({}),
      write([]),
      write(['a']),
      write(['a', "x' or true"]),
      write(['a\0', id]),
      write([{ toString: 1 }, id]),
      write(['a', id, 'b']).repeat(3),
      '[['.repeat(1000),
      'A'.repeat(10_000),
      '%00',
      '\u{1f4a9}',
    ];
    for (const cursor of cursors) {
      const { status } = await scene.api.get(`/connections?cursor=${encodeURIComponent(cursor)}`);
      expect(status, cursor.slice(0, 40)).toBe(400);
    }
    expect((await scene.api.get(`/connections?cursor=${write(['\ud800', id])}`)).status).toBeLessThan(500);
    expect((await scene.api.get("/connections?q=%25'%20or%20true%20--%5C")).body.connections).toEqual([]);
  });

  test('a flood of entity tags, none of them right, changes nothing', async () => {
    const connection = await addConnection(scene);
    const etag = String((await scene.api.get(connection.path)).headers.get('etag'));
    const floods = [
      '""'.repeat(3000),
      '"a",'.repeat(2500),
      '"'.repeat(9999),
      `W/${etag}`,
      etag.replace('-1"', '-01"'),
      ' ',
    ];
    for (const flood of floods) {
      const answer = await scene.api.patch(connection.path, { description: 'x' }, { headers: { 'if-match': flood } });
      expect([400, 412], flood.slice(0, 30)).toContain(answer.status);
    }
    const right = { headers: { 'if-match': `"x", ${etag}` } };
    expect((await scene.api.patch(connection.path, { description: 'x' }, right)).status).toBe(200);
  });
});

describe('requests that mean two things', () => {
  const head = () => `POST /connections HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${scene.adminKey}\r\n`;
  const second = 'GET /connections HTTP/1.1\r\nHost: x\r\n\r\n';

  test.each([
    ['a length and chunks', `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${second}`],
    ['two lengths', `Content-Length: 0\r\nContent-Length: ${second.length}\r\n\r\n${second}`],
    ['an odd transfer encoding', `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${second}`],
    ['a folded header', `X-Organization-Id: a\r\n b\r\n\r\n${second}`],
    ['a space before the colon', `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${second}`],
    ['a bare line feed', `Content-Length: 0\nX: y\n\n${second}`],
  ])('%s end the connection', async (_, rest) => {
    const answer = await raw(`${head()}${rest}`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  });

  test('the first of two Authorization headers cannot lend its rights to another organisation of the second', async () => {
    const { key } = await scene.newKey({ organizations: ['b'], permissions: allPermissions });
    const both = `GET /connections HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nAuthorization: Bearer ${scene.adminKey}\r\n`;
    const answer = await raw(`${both}X-Organization-Id: b\r\nX-Organization-Id: a\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 40[03] /);
  });

  test('an absolute request target names no other host', async () => {
    const answer = await raw(
      `GET http://evil.test/authorize/${'A'.repeat(43)} HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 40[04] /);
    expect(answer).not.toMatch(/location: /i);
  });

  test.each([
    '{"a":1,"a":2}',
    '[]',
    'null',
    '"x"',
    '1e999',
    '{"connection_name":"a","connection_name":"b"}',
    '\ufeff{}',
  ])('a body of %s makes nothing', async (body) => {
    const before = await count();
    expect((await post('/connections', body)).status).toBe(400);
    expect(await count()).toBe(before);
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json-patch+json',
  ])('a cross-site form can post %s without asking first: it is refused', async (type) => {
    const body = JSON.stringify({ connection_name: uniqueName(), client_id: 'x' });
    expect((await post('/connections', body, { 'content-type': type })).status).toBe(415);
  });

  test('no route lets another origin read it', async () => {
    const answers: ApiAnswer[] = [
      await scene.api.get('/connections', { headers: { origin: 'https://evil.test' } }),
      await scene.api.call('OPTIONS', '/connections', { headers: { origin: 'https://evil.test' } }),
    ];
    for (const { headers } of answers) expect(headers.has('access-control-allow-origin')).toBe(false);
  });

  const count = async () => (await scene.rows('select count(*) from connections'))[0]?.count;
});
