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

/** A body as it is, whatever it is. */
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
  test('413 over the limit, whatever is in it, and nothing is created', async () => {
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
  ])('415 for %s', async (type) => {
    expect(await send('POST', '/connections', '{}', type)).toMatchObject(problem(415, 'unsupported_media_type'));
  });

  test('415 for a merge patch where none is taken; a charset is', async () => {
    const { path } = await addConnection(service);
    const type = 'application/merge-patch+json';
    expect(await send('POST', '/connections', '{}', type)).toMatchObject(problem(415, 'unsupported_media_type'));
    expect((await send('PATCH', path, '{"description":"x"}', type)).status).toBe(200);
    expect((await send('PATCH', path, '{"description":"y"}', 'application/json; charset=utf-8')).status).toBe(200);
  });

  test.each(['{', '{"a":}', 'nonsense', '{"a":1}{"b":2}', "{'a':1}", '\u0000', '{"__proto__":{"x":1}}'])(
    '400 for %j, which is not JSON',
    async (body) => {
      const answer = await send('POST', '/connections', body, 'application/json');
      expect(answer).toMatchObject({ ...problem(400, 'invalid_request'), ...faultAt('body') });
    },
  );

  test.each(['[]', '"text"', '7', 'null', 'true'])('400 for %s, which is no object', async (body) => {
    expect(await send('POST', '/connections', body, 'application/json')).toMatchObject(faultAt('body'));
  });

  test('nesting without end is refused, not suffered', async () => {
    const deep = `${'['.repeat(60_000)}${']'.repeat(60_000)}`;
    const answer = await send('POST', '/connections', `{"authorize_params":${deep}}`, 'application/json');
    expect(answer).toMatchObject(problem(400, 'invalid_request'));
  });

  test.each<[string, string | null, string | undefined]>([
    ['no body', null, undefined],
    ['no body but a media type', null, 'application/json'],
    ['an empty body', '', 'application/json'],
    ['spaces', ' \n', 'application/json'],
    ['{}', '{}', 'application/json'],
  ])('%s counts as {}', async (_what, body, type) => {
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

  test('many faults do not make an answer without end', async () => {
    const body = JSON.stringify(Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`unknown${at}`, 1])));
    const answer = await send('POST', '/connections', body, 'application/json');
    expect(answer.body.errors?.length).toBeLessThanOrEqual(101);
  });
});

describe('queries', () => {
  test('a parameter the route knows may come once; one it does not know is ignored', async () => {
    expect(await service.api.get('/connections?q=a&q=a')).toMatchObject(faultAt('query.q'));
    expect((await service.api.get('/connections?nonsense=1&nonsense=2')).status).toBe(200);
  });
});

describe('paths', () => {
  test.each(['/nothing', '/connections/crm/nothing', '/admin', '/admin/encryption/nothing', '//', '/Connections'])(
    '404 not_found for %s',
    async (path) => {
      expect(await service.api.get(path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    },
  );

  test.each([
    ['GET', '/workflows/wf-1/dependencies'],
    ['POST', '/workflows/wf-1/disable'],
    ['GET', '/workflows/disabled'],
    ['GET', '/connections/crm/dependents'],
    ['GET', '/admin/stats'],
    ['GET', '/admin/connections'],
    ['POST', '/admin/health/check-all'],
    ['POST', '/admin/refresh/expiring'],
    ['GET', '/admin/audit-events'],
    ['GET', '/admin/webhooks'],
    ['POST', '/admin/encryption/rotate'],
    ['POST', '/admin/import'],
  ])('404 not_found for %s %s, which is not served', async (method, path) => {
    expect(await service.api.call(method, path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test.each([
    ['DELETE', '/connections'],
    ['PUT', '/credentials/crm'],
    ['POST', '/health'],
    ['PATCH', '/providers'],
  ])('404 not_found for %s %s, which no route has', async (method, path) => {
    expect(await service.api.call(method, path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test('400 for a path that is not validly encoded, or a part of it without end', async () => {
    for (const path of ['/connections/%E0%A4%A', '/connections/%', `/connections/${'a'.repeat(2000)}`])
      expect(await send('GET', path, null)).toMatchObject(problem(400, 'invalid_request'));
  });
});

describe('headers', () => {
  test('413 past the limit of all of them', async () => {
    const answer = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const { hostname, port } = new URL(service.broker.url);
      const call = request({ hostname, port, path: '/connections', headers: { 'x-large': 'x'.repeat(20_000) } });
      call.on('response', async (response) => {
        let body = '';
        for await (const chunk of response) body += String(chunk);
        resolve({ status: response.statusCode, body });
      });
      call.on('error', reject).end();
    });
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'payload_too_large', status: 413 });
  });
});
