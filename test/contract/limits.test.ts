import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection } from '../e2e/connections.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

interface Raw {
  status: number;
  type: string | null;
  body: { code?: string; errors?: { path: string; message: string }[]; [member: string]: unknown };
}

/** Sends a body unchanged, also a malformed one. */
async function send(method: string, path: string, body: string | null, type?: string): Promise<Raw> {
  const response = await fetch(`${service.broker.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${service.stack.adminKey()}`,
      ...(type === undefined ? {} : { 'content-type': type }),
    },
    ...(body === null ? {} : { body: new TextEncoder().encode(body) }),
  });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: (await response.json()) as Raw['body'],
  };
}
const problem = (status: number, code: string) => ({
  status,
  type: 'application/problem+json',
  body: { status, code },
});
const faultAt = (path: string) => ({ status: 400, body: { errors: [{ path }] } });

describe('bodies', () => {
  test('a body over the limit gives 413 and creates nothing', async () => {
    const large = JSON.stringify({ connection_name: 'large', client_id: 'c', description: 'x'.repeat(300_000) });
    expect(await send('POST', '/connections', large, 'application/json')).toMatchObject(
      problem(413, 'payload_too_large'),
    );
    expect((await service.api.get('/connections/large')).status).toBe(404);
  });

  test.each([
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'nonsense',
  ])('a body of the media type %s gives 415', async (type) => {
    expect(await send('POST', '/connections', '{}', type)).toMatchObject(problem(415, 'unsupported_media_type'));
  });

  test('a merge patch gives 415 on POST; PATCH accepts it, and JSON with a charset', async () => {
    const { path } = await addConnection(service);
    const type = 'application/merge-patch+json';
    expect(await send('POST', '/connections', '{}', type)).toMatchObject(problem(415, 'unsupported_media_type'));
    expect((await send('PATCH', path, '{"description":"x"}', type)).status).toBe(200);
    expect((await send('PATCH', path, '{"description":"y"}', 'application/json; charset=utf-8')).status).toBe(200);
  });

  test.each(['{', '{"a":}', 'nonsense', '{"a":1}{"b":2}', "{'a':1}", '\u0000', '{"__proto__":{"x":1}}'])(
    'the body %j, which is not valid JSON, gives 400',
    async (body) => {
      const refusal = await send('POST', '/connections', body, 'application/json');
      expect(refusal).toMatchObject({ ...problem(400, 'invalid_request'), ...faultAt('body') });
    },
  );

  test.each(['[]', '"text"', '7', 'null', 'true'])('the body %s, which is not an object, gives 400', async (body) => {
    expect(await send('POST', '/connections', body, 'application/json')).toMatchObject(faultAt('body'));
  });

  test('a body with 60,000 nested brackets gives 400', async () => {
    const deep = `${'['.repeat(60_000)}${']'.repeat(60_000)}`;
    const refusal = await send('POST', '/connections', `{"authorize_params":${deep}}`, 'application/json');
    expect(refusal).toMatchObject(problem(400, 'invalid_request'));
  });

  test.each<[string, string | null, string | undefined]>([
    ['nothing', null, undefined],
    ['nothing but a media type', null, 'application/json'],
    ['an empty text', '', 'application/json'],
    ['spaces', ' \n', 'application/json'],
    ['{}', '{}', 'application/json'],
  ])('a request with %s as body counts as {}', async (_name, body, type) => {
    const { path } = await addConnection(service);
    for (const [action, status] of [
      ['authorize', 200],
      ['cancel', 200],
      ['revoke', 200],
      ['test', 503],
      ['refresh', 404],
    ] as const)
      expect((await send('POST', `${path}/${action}`, body, type)).status, action).toBe(status);
    expect(await send('POST', `${path}/grants`, body, type)).toMatchObject(faultAt('access_token'));
    expect((await send('PATCH', path, body, type)).status).toBe(200);
  });

  test('a body with 5,000 faults gets a response with at most 101', async () => {
    const body = JSON.stringify(Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`unknown${at}`, 1])));
    const refusal = await send('POST', '/connections', body, 'application/json');
    expect(refusal.body.errors?.length).toBeLessThanOrEqual(101);
  });
});

describe('queries', () => {
  test('a known query parameter may appear once, and an unknown one is refused', async () => {
    expect(await service.api.get('/connections?q=a&q=a')).toMatchObject(faultAt('query.q'));
    expect(await service.api.get('/connections?nonsense=1&nonsense=2')).toMatchObject(faultAt('query.nonsense'));
  });
});

describe('paths', () => {
  test.each(['/nothing', '/connections/crm/nothing', '/admin', '/admin/encryption/nothing', '//', '/Connections'])(
    'the unknown path %s gives 404',
    async (path) => {
      expect(await service.api.get(path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    },
  );

  test.each([['GET', '/admin/webhooks']])('the route %s %s, which is not served, gives 404', async (method, path) => {
    expect(await service.api.call(method, path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test.each([
    ['DELETE', '/connections'],
    ['PUT', '/credentials/crm'],
    ['POST', '/health'],
    ['PATCH', '/providers'],
  ])('%s %s, a method that the path does not have, gives 405', async (method, path) => {
    const response = await service.api.call(method, path);
    expect(response).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
    expect(response.headers.get('allow')).toContain('GET, HEAD');
  });

  test('a path with invalid encoding, or with a part that is too long, gives 400', async () => {
    for (const path of ['/connections/%E0%A4%A', '/connections/%', `/connections/${'a'.repeat(2000)}`])
      expect(await send('GET', path, null)).toMatchObject(problem(400, 'invalid_request'));
  });
});

describe('headers', () => {
  test('headers over the limit give 413', async () => {
    const refusal = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const { hostname, port } = new URL(service.broker.url);
      const call = request({ hostname, port, path: '/connections', headers: { 'x-large': 'x'.repeat(20_000) } });
      call.on('response', async (response) => {
        let body = '';
        for await (const chunk of response) body += String(chunk);
        resolve({ status: response.statusCode, body });
      });
      call.on('error', reject).end();
    });
    expect(refusal.status).toBe(413);
    expect(JSON.parse(refusal.body)).toMatchObject({ code: 'payload_too_large', status: 413 });
  });
});
