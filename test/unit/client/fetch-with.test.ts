import { beforeEach, describe, expect, test } from 'vitest';
import { createTokenBroker } from '../../../src/client/token-broker.ts';
import {
  credentialOf,
  type FetchReply,
  type ReceivedCall,
  refuse,
  respond,
} from '../../support/client/fetch-double.ts';

const api = 'https://api.example/v1/me';
let calls: ReceivedCall[] = [];
let current = 'first';
let renewal: FetchReply;
let answer: FetchReply;

/** A broker and an API in one fetch. The API accepts the token `second` alone, unless a test sets another answer. */
const platform: typeof fetch = async (input, init = {}) => {
  const url = input instanceof Request ? input.url : String(input);
  const headers = new Headers(init.headers);
  const call: ReceivedCall = { method: init.method ?? 'GET', url, headers, body: init.body ?? undefined, init };
  calls.push(call);
  if (url.endsWith('/renew')) return renewal(call);
  if (url.startsWith('https://broker.example'))
    return respond(200, credentialOf(3600, { access_token: current }))(call);
  return answer(call);
};
const open = () => createTokenBroker({ url: 'https://broker.example', key: 'k', fetch: platform, retries: 0 });
const renewedTo = (token: string, renewed: boolean) => {
  current = token;
  return respond(200, credentialOf(3600, { access_token: token, renewed }));
};
const tokensAt = (prefix = api) =>
  calls.filter(({ url }) => url.startsWith(prefix)).map(({ headers }) => headers.get('authorization'));
const reports = () => calls.filter(({ url }) => url.endsWith('/renew'));
const acceptSecond: FetchReply = ({ headers }) =>
  new Response(null, { status: headers.get('authorization') === 'Bearer second' ? 200 : 401 });

beforeEach(() => {
  calls = [];
  current = 'first';
  renewal = () => renewedTo('second', true)(calls[0] ?? expect.unreachable());
  answer = acceptSecond;
});

test('a call carries the token, whatever header the caller had, and keeps all else', async () => {
  answer = respond(200, { ok: true });
  const headers = { Authorization: 'Basic x', 'X-Own': '1' };
  const response = await open().fetchWith('crm', { subject: 'ada' })(api, { method: 'PUT', headers, body: 'text' });
  expect(await response.json()).toEqual({ ok: true });
  const call = calls.at(-1);
  expect(call).toMatchObject({ method: 'PUT', body: 'text', url: api });
  expect(call?.headers.get('authorization')).toBe('Bearer first');
  expect(call?.headers.get('x-own')).toBe('1');
  expect(calls[0]?.url).toContain('subject=ada');
});

describe('a rejected token', () => {
  const form = new FormData();
  form.set('a', 'b');
  test.each<[string, RequestInit['body']]>([
    ['no body', undefined],
    ['a string', 'text'],
    ['bytes', new Uint8Array([1, 2])],
    ['a buffer', new ArrayBuffer(2)],
    ['a form', form],
    ['a blob', new Blob(['x'])],
    ['parameters', new URLSearchParams({ a: 'b' })],
  ])('is reported once, and the call is sent again with %s', async (_, body) => {
    const init: RequestInit = { method: 'POST', ...(body ? { body } : {}) };
    const response = await open().fetchWith('crm')(api, init);
    expect(response.status).toBe(200);
    expect(tokensAt()).toEqual(['Bearer first', 'Bearer second']);
    expect(reports().map(({ body }) => JSON.parse(String(body)).rejected_token)).toEqual(['first']);
    expect(calls.at(-1)?.body).toBe(body);
  });

  test('is reported with the subject, the account and the workflow of the fetch', async () => {
    await open().fetchWith('crm', { subject: 's', accountId: 'a', workflow: 'w' })(api);
    const [report] = reports();
    expect(JSON.parse(String(report?.body))).toEqual({ rejected_token: 'first', subject: 's', account_id: 'a' });
    expect(report?.headers.get('x-workflow-id')).toBe('w');
  });

  test('is reported although a stream cannot be sent again; the next call has the new token', async () => {
    const call = open().fetchWith('crm');
    const body = new ReadableStream({ start: (stream) => stream.close() });
    expect((await call(api, { method: 'POST', body })).status).toBe(401);
    expect(tokensAt()).toEqual(['Bearer first']);
    expect((await call(api)).status).toBe(200);
    expect(tokensAt()).toEqual(['Bearer first', 'Bearer second']);
    expect(reports()).toHaveLength(1);
  });

  test('is not tried a third time', async () => {
    answer = () => new Response('still no', { status: 401 });
    const response = await open().fetchWith('crm')(api);
    expect(await response.text()).toBe('still no');
    expect(tokensAt()).toEqual(['Bearer first', 'Bearer second']);
    expect(reports()).toHaveLength(1);
  });

  test('that the provider issues again is not sent again', async () => {
    renewal = (call) => renewedTo('first', false)(call);
    answer = () => new Response('no', { status: 401 });
    expect((await open().fetchWith('crm')(api)).status).toBe(401);
    expect(tokensAt()).toEqual(['Bearer first']);
  });

  test('that another process has renewed is replaced by the current one', async () => {
    renewal = (call) => renewedTo('second', false)(call);
    expect((await open().fetchWith('crm')(api)).status).toBe(200);
    expect(tokensAt()).toEqual(['Bearer first', 'Bearer second']);
  });

  test.each([
    [503, 'connection_not_ready'],
    [429, 'rate_limited'],
  ])('whose report is refused with %i %s leaves the 401 as the outcome', async (status, code) => {
    renewal = refuse(status, code);
    answer = () => new Response('not you', { status: 401 });
    const broker = open();
    const response = await broker.fetchWith('crm')(api);
    expect([response.status, await response.text()]).toEqual([401, 'not you']);
    // The broker is asked again: it knows whether the token still counts.
    await broker.credential('crm');
    expect(calls.at(-1)?.url).toBe('https://broker.example/credentials/crm');
  });

  test('of 50 parallel calls is reported once', async () => {
    const call = open().fetchWith('crm');
    const responses = await Promise.all(Array.from({ length: 50 }, () => call(api)));
    expect(responses.map(({ status }) => status)).toEqual(Array(50).fill(200));
    expect(reports()).toHaveLength(1);
    await call(api);
    expect(tokensAt().at(-1)).toBe('Bearer second');
  });

  test.each([403, 500, 200])('is not seen in the status %i', async (status) => {
    answer = () => new Response(null, { status });
    expect((await open().fetchWith('crm')(api)).status).toBe(status);
    expect(reports()).toEqual([]);
  });
});

describe('a redirect', () => {
  const redirectTo =
    (location: string, status = 302, then: FetchReply = respond(200)): FetchReply =>
    (call) =>
      call.url === api ? new Response(null, { status, headers: { location } }) : then(call);

  test('to another origin loses the token, cookies and nothing else', async () => {
    answer = redirectTo('https://files.example/x');
    await open().fetchWith('crm')(api, { headers: { Cookie: 'a=b', 'X-Own': '1' } });
    const last = calls.at(-1);
    expect(last?.url).toBe('https://files.example/x');
    expect(last?.headers.has('authorization')).toBe(false);
    expect(last?.headers.has('cookie')).toBe(false);
    expect(last?.headers.get('x-own')).toBe('1');
  });

  test.each(['http://api.example/v1', 'https://api.example:8443/', 'https://evil.api.example/', '//evil.example/x'])(
    'to %s is one to another origin',
    async (location) => {
      answer = redirectTo(location);
      await open().fetchWith('crm')(api);
      expect(calls.at(-1)?.headers.has('authorization')).toBe(false);
    },
  );

  test('within the origin keeps the token', async () => {
    answer = redirectTo('/v2/me');
    await open().fetchWith('crm')(api);
    expect(calls.at(-1)).toMatchObject({ url: 'https://api.example/v2/me' });
    expect(calls.at(-1)?.headers.get('authorization')).toBe('Bearer first');
  });

  test('back to the first origin does not bring the token back', async () => {
    answer = ({ url }) => {
      const location = { [api]: 'https://other.example/', 'https://other.example/': 'https://api.example/v1/end' }[url];
      return location === undefined ? new Response() : new Response(null, { status: 307, headers: { location } });
    };
    await open().fetchWith('crm')(api);
    expect(tokensAt('https://api.example/v1/end')).toEqual([null]);
  });

  test('of another origin that answers 401 reports no token: it was not sent there', async () => {
    answer = redirectTo('https://files.example/x', 302, () => new Response(null, { status: 401 }));
    expect((await open().fetchWith('crm')(api)).status).toBe(401);
    expect(reports()).toEqual([]);
  });

  test.each([
    [301, 'POST', 'GET', undefined],
    [302, 'POST', 'GET', undefined],
    [303, 'PUT', 'GET', undefined],
    [303, 'HEAD', 'HEAD', undefined],
    [307, 'POST', 'POST', 'text'],
    [308, 'PUT', 'PUT', 'text'],
    [302, 'PUT', 'PUT', 'text'],
  ])('with the status %i turns %s into %s with the body %s', async (status, method, expected, body) => {
    answer = redirectTo('/next', status);
    const init = method === 'HEAD' ? { method } : { method, body: 'text', headers: { 'content-type': 'text/plain' } };
    await open().fetchWith('crm')(api, init);
    expect(calls.at(-1)).toMatchObject({ method: expected, body });
    expect(calls.at(-1)?.headers.has('content-type')).toBe(body !== undefined);
  });

  test('that never ends is given up', async () => {
    answer = () => new Response(null, { status: 302, headers: { location: api } });
    await expect(open().fetchWith('crm')(api)).rejects.toThrow('more than 20 redirects');
    expect(tokensAt()).toHaveLength(21);
  });

  test('is returned as it is if the caller asks for that', async () => {
    answer = redirectTo('https://files.example/x');
    expect((await open().fetchWith('crm')(api, { redirect: 'manual' })).status).toBe(302);
    expect(calls.at(-1)?.url).toBe(api);
  });
});

test('a Request works, and one without a body is sent again', async () => {
  const request = new Request(api, { headers: { 'x-own': '1' } });
  expect((await open().fetchWith('crm')(request)).status).toBe(200);
  expect(tokensAt()).toEqual(['Bearer first', 'Bearer second']);
  expect(calls.at(-1)?.headers.get('x-own')).toBe('1');
  const withBody = new Request(api, { method: 'POST', body: 'text' });
  current = 'first';
  expect((await open().fetchWith('crm')(withBody)).status).toBe(401);
});

test('a failure to get a token is thrown before the API is called', async () => {
  const broker = createTokenBroker({
    url: 'https://broker.example',
    key: 'k',
    retries: 0,
    fetch: async () => {
      return Response.json({ code: 'connection_not_ready', detail: 'd', status: 503 }, { status: 503 });
    },
  });
  await expect(broker.fetchWith('crm')(api)).rejects.toMatchObject({ name: 'NotReady' });
});
