import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallbackHit } from '../../../src/broker/authorizations/complete-authorization.ts';
import { refusal } from '../../../src/broker/authorizations/refusal.ts';
import type { NewConnection } from '../../../src/broker/connections/create-connection.ts';
import { connectionView, createHttpFixture, type HttpFixture } from '../../support/http/server-fixture.ts';

let fixture: HttpFixture;
const created: NewConnection[] = [];
const hits: Pick<CallbackHit, 'parameters'>[] = [];
beforeAll(async () => {
  fixture = await createHttpFixture({
    createConnection: async (_actor, input) => {
      created.push(input);
      return connectionView();
    },
    completeAuthorization: async (hit) => {
      hits.push(hit);
      return refusal('link_used');
    },
  });
});
afterAll(() => fixture.app.close());

const body = { connection_name: 'crm', client_id: 'c', client_secret: 's€cret' };
const json = JSON.stringify(body);
const type = 'application/json';

async function create(payload: string | Buffer, headers: Record<string, string> = {}) {
  created.length = 0;
  const all = { 'content-type': type, ...headers };
  const response = await fixture.call({ method: 'POST', url: '/connections', payload, headers: all });
  return {
    status: response.statusCode,
    body: response.json(),
    headers: response.headers,
    secret: created[0]?.clientSecret?.reveal(),
  };
}

describe('a JSON body', () => {
  test.each([
    ['gzip', gzipSync(json)],
    ['x-gzip', gzipSync(json)],
    ['br', brotliCompressSync(json)],
    ['deflate', deflateSync(json)],
    ['GZIP', gzipSync(json)],
    ['identity, gzip', gzipSync(json)],
    ['gzip', Buffer.from(json)],
    ['made-up', Buffer.from(json)],
  ])('in the content coding %s is 415, and the response lists the coding to use', async (coding, payload) => {
    const { status, body: problem, headers } = await create(payload, { 'content-encoding': coding });
    expect([status, problem.code, headers['accept-encoding']]).toEqual([415, 'unsupported_media_type', 'identity']);
    expect(created).toEqual([]);
  });

  test.each(['identity', 'Identity', '', ' identity , '])('in the content coding %j is taken', async (coding) => {
    expect(await create(json, { 'content-encoding': coding })).toMatchObject({ status: 201, secret: 's€cret' });
  });

  test('in a compressed transfer coding is 415', async () => {
    const { status } = await create(gzipSync(json), { 'transfer-encoding': 'gzip, chunked' });
    expect(status).toBe(415);
  });

  test.each([
    'iso-8859-1',
    'latin1',
    'UTF-16',
    '"utf-16le"',
    'windows-1252',
    "'utf-8'",
    'utf-8; charset=utf-16',
    '"utf-8"; charset=latin1',
    'utf-7',
    'utf8mb4',
    '',
    '""',
  ])('in the charset %s is 415', async (charset) => {
    const { status, body: problem } = await create(json, { 'content-type': `${type}; charset=${charset}` });
    expect([status, problem.code]).toEqual([415, 'unsupported_media_type']);
    expect(created).toEqual([]);
  });

  test.each([
    `${type};charset=utf-8`,
    `${type}; charset=UTF-8`,
    `${type}; Charset="utf-8"`,
    `${type} ; charset=utf8`,
    `${type}; charset=us-ascii`,
    `${type};`,
    `${type}; version=1; charset=utf-8`,
    `${type}; profile="a;b"; charset=utf-8`,
    'APPLICATION/JSON',
    'Application/Json; charset="UTF-8"',
  ])('of the content type %s is taken', async (contentType) => {
    expect(await create(json, { 'content-type': contentType })).toMatchObject({ status: 201, secret: 's€cret' });
  });

  test.each([
    ['a byte of Latin-1', Buffer.from(json.replace('€', 'é'), 'latin1')],
    ['an overlong form', Buffer.concat([Buffer.from('{"x":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')])],
    ['a surrogate', Buffer.concat([Buffer.from('{"x":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')])],
    ['half a character', Buffer.from(json).subarray(0, Buffer.from(json).indexOf(0xe2) + 2)],
    ['UTF-16', Buffer.from(`\ufeff${json}`, 'utf16le')],
    ['compressed data', gzipSync(json)],
  ])('with %s is 400 and never read with replaced characters', async (_, payload) => {
    expect(await create(payload)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ path: 'body', message: 'is not valid UTF-8' }] },
    });
    expect(created).toEqual([]);
  });

  test('may start with a byte order mark', async () => {
    expect(await create(`\ufeff${json}`)).toMatchObject({ status: 201, secret: 's€cret' });
  });

  test.each([
    ['a NUL between members', json.replace(',', ',\0'), 'body'],
    ['a NUL in a text', json.replace('€', '\0'), 'body'],
    ['an escaped NUL', json.replace('€', '\\u0000'), 'client_secret'],
    ['an escaped lone surrogate', json.replace('€', '\\ud800'), 'client_secret'],
    ['a member twice', json.replace('}', ',"client_id":"other"}'), 'client_id'],
    ['a member twice in another spelling', json.replace('}', ',"client\\u005fid":"c"}'), 'client_id'],
    ['a nested member twice', json.replace('}', ',"token_params":{"a":"1","a":"2"}}'), 'token_params.a'],
    ['a __proto__ member', json.replace('}', ',"__proto__":{"pkce":false}}'), 'body'],
    ['a nested __proto__ member', json.replace('}', ',"variables":{"__proto__":{}}}'), 'body'],
    ['a constructor.prototype', json.replace('}', ',"variables":{"constructor":{"prototype":{}}}}'), 'body'],
  ])('with %s is 400', async (_, payload, path) => {
    expect(await create(payload)).toMatchObject({ status: 400, body: { errors: [{ path }] } });
    expect(created).toEqual([]);
  });

  test('that is empty counts as {}, whatever its type, coding and charset', async () => {
    for (const contentType of [type, 'application/x-www-form-urlencoded', 'text/plain', `${type}; charset=utf-16`]) {
      for (const [method, url] of [
        ['POST', '/connections/crm/authorize'],
        ['DELETE', '/connections/crm'],
      ] as const) {
        const headers = { 'content-type': contentType, 'content-encoding': 'gzip' };
        const response = await fixture.call({ method, url, headers });
        expect([contentType, method, response.statusCode]).toEqual([contentType, method, 200]);
      }
    }
  });

  test('of DELETE must be empty, and that of GET is not read', async () => {
    const remove = (payload: string, contentType = type) =>
      fixture.call({ method: 'DELETE', url: '/connections/crm', payload, headers: { 'content-type': contentType } });
    expect((await remove('{}')).statusCode).toBe(200);
    expect((await remove('{"confirm":true}')).statusCode).toBe(400);
    expect((await remove('x', 'text/plain')).statusCode).toBe(415);
    const headers = { 'content-type': type, 'content-encoding': 'gzip' };
    expect((await fixture.call({ method: 'GET', url: '/connections', payload: 'x', headers })).statusCode).toBe(200);
  });

  test('of a path or method that does not exist changes nothing about the answer', async () => {
    const headers = { 'content-type': 'text/plain; charset=utf-16', 'content-encoding': 'gzip' };
    expect((await fixture.call({ method: 'POST', url: '/nowhere', payload: 'x', headers })).statusCode).toBe(404);
    expect((await fixture.call({ method: 'PUT', url: '/connections', payload: 'x', headers })).statusCode).toBe(405);
  });
});

describe('percent-encoding', () => {
  const malformed = ['%', '%zz', '%ff', '%C0%AF', '%ED%A0%80', '%e9'];

  test.each(malformed)('a path with %s is 400', async (part) => {
    for (const url of [`/connections/${part}`, `/authorize/${part}`, `/callback/${part}?state=x`])
      expect([url, (await fixture.call({ url })).statusCode]).toEqual([url, 400]);
  });

  test.each(malformed)('a query with %s is 400 and no other name is looked up', async (part) => {
    for (const url of [`/credentials/crm?subject=a${part}`, `/connections?q=${part}`, `/connections?${part}`]) {
      const response = await fixture.call({ url });
      expect([url, response.statusCode]).toEqual([url, 400]);
      expect(response.json().errors[0]).toEqual({ path: 'query', message: 'must be percent-encoded UTF-8' });
    }
  });
});

describe('a callback', () => {
  const form = 'application/x-www-form-urlencoded';

  async function callback(payload: string | Buffer, headers: Record<string, string> = {}) {
    hits.length = 0;
    const all = { 'content-type': form, accept: 'text/html', ...headers };
    const response = await fixture.app.inject({ method: 'POST', url: '/callback/crm', payload, headers: all });
    expect(response.headers['content-type']).toBe('text/html; charset=utf-8');
    return [response.statusCode, hits[0]?.parameters.get('code') ?? null];
  }

  test.each([form, `${form}; charset=UTF-8`, `${form};charset="utf-8"`, 'Application/X-WWW-Form-Urlencoded'])(
    'posted as %s is read',
    async (contentType) => {
      expect(await callback('state=s&code=a%C3%A9%2B+', { 'content-type': contentType })).toEqual([400, 'aé+ ']);
    },
  );

  test('posted in another charset or compressed is 415', async () => {
    expect(await callback('state=s', { 'content-type': `${form}; charset=iso-8859-1` })).toEqual([415, null]);
    expect(await callback(gzipSync('state=s'), { 'content-encoding': 'gzip' })).toEqual([415, null]);
  });

  test.each(['%', '%zz', '%ff', '%C0%AF', '%e9'])(
    'with %s in its code is 400 and reaches no use case',
    async (part) => {
      expect(await callback(`state=s&code=${part}`)).toEqual([400, null]);
      hits.length = 0;
      const query = await fixture.app.inject({
        url: `/callback/crm?state=s&code=${part}`,
        headers: { accept: 'text/html' },
      });
      expect([query.statusCode, hits]).toEqual([400, []]);
    },
  );

  test('with bytes that are not UTF-8 is 400 and reaches no use case', async () => {
    expect(await callback(Buffer.from('state=s&code=\u00e9', 'latin1'))).toEqual([400, null]);
  });

  test('with an error_description in Latin-1 is read: some providers write it so', async () => {
    hits.length = 0;
    await fixture.app.inject({ url: '/callback/crm?state=s&error=access_denied&error_description=verweigert%E4' });
    expect(hits[0]?.parameters.get('error')).toBe('access_denied');
    expect(hits[0]?.parameters.get('error_description')).toBe('verweigert\ufffd');
  });

  test('with an empty body or no content type is read as a callback without parameters', async () => {
    expect(await callback('')).toEqual([400, null]);
    expect(hits).toHaveLength(1);
  });
});
