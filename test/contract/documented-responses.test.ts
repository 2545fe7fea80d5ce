import { describe, expect, test } from 'vitest';
import type { ResponseBody } from '../support/http/broker-api.ts';
import { createResponseCheck, type OpenApi } from './documented-responses.ts';

const problemSchema = {
  type: 'object',
  properties: Object.fromEntries(
    ['type', 'title', 'status', 'detail', 'instance', 'code', 'retry_after'].map((name) => [name, {}]),
  ),
  required: ['code'],
};
const document: OpenApi = {
  paths: {
    '/things/{id}': {
      get: {
        responses: {
          200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } },
          429: { content: { 'application/problem+json': { schema: problemSchema } } },
        },
      },
      post: {
        responses: { 200: { content: { 'application/x-ndjson': { schema: { $ref: '#/components/schemas/Thing' } } } } },
      },
      delete: { responses: { 204: {} } },
    },
  },
  components: {
    schemas: {
      Thing: {
        type: 'object',
        properties: { at: { type: 'string', format: 'date-time' }, note: { type: ['string', 'null'] } },
        required: ['at', 'note'],
      },
    },
  },
};
const check = createResponseCheck(document);
const thing = { at: '2030-01-31T12:00:00.000Z', note: null };
const problem = {
  type: '/docs#rate_limited',
  title: 'Too many',
  status: 429,
  detail: 'Wait.',
  instance: 'r-1',
  code: 'rate_limited',
  retry_after: 3,
};
const common = { 'x-request-id': 'r-1', 'cache-control': 'no-store' };
const problemHeaders = { ...common, 'content-type': 'application/problem+json', 'retry-after': '3' };
const responseWith = (status: number, body: object | null, headers: Record<string, string> = {}) => ({
  status,
  headers: new Headers({ ...common, ...(body !== null && { 'content-type': 'application/json' }), ...headers }),
  body: (body ?? {}) as ResponseBody,
  text: body === null ? '' : JSON.stringify(body),
});

describe('the check of responses against the document', () => {
  test.each([
    { lines: [], faults: 0 },
    { lines: [thing, thing], faults: 0 },
    { lines: [thing, { ...thing, at: 'yesterday' }], faults: 1 },
  ])('each line of NDJSON is compared with the schema: $lines', ({ lines, faults }) => {
    const response = {
      ...responseWith(200, {}, { 'content-type': 'application/x-ndjson' }),
      text: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
    };
    expect(check('POST', '/things/1', response)).toHaveLength(faults);
  });

  test('the check accepts a response that the document declares', () => {
    expect(check('GET', '/things/1?x=1', responseWith(200, thing))).toEqual([]);
    expect(check('GET', '/things/1', responseWith(429, problem, problemHeaders))).toEqual([]);
    expect(check('DELETE', '/things/1', responseWith(204, null))).toEqual([]);
  });

  test.each<[string, string, ReturnType<typeof responseWith>]>([
    ['a missing member', 'GET', responseWith(200, { at: thing.at })],
    ['an undeclared member', 'GET', responseWith(200, { ...thing, secret: 'x' })],
    ['a malformed time', 'GET', responseWith(200, { ...thing, at: 'yesterday' })],
    ['a member of another type', 'GET', responseWith(200, { ...thing, note: 7 })],
    ['an undeclared status', 'GET', responseWith(202, thing)],
    ['an undeclared media type', 'GET', responseWith(200, thing, { 'content-type': 'text/html' })],
    ['an undeclared method', 'PUT', responseWith(200, thing)],
    ['a response that caches may store', 'GET', responseWith(200, thing, { 'cache-control': 'public' })],
    ['a problem without a title', 'GET', responseWith(429, { ...problem, title: '' }, problemHeaders)],
    [
      'a problem with another status in its body',
      'GET',
      responseWith(429, { ...problem, status: 500 }, problemHeaders),
    ],
    ['a problem with another request id', 'GET', responseWith(429, { ...problem, instance: 'r-2' }, problemHeaders)],
    [
      'a problem whose Retry-After differs',
      'GET',
      responseWith(429, problem, { ...problemHeaders, 'retry-after': '4' }),
    ],
    [
      'a problem with a charset',
      'GET',
      responseWith(429, problem, { ...problemHeaders, 'content-type': 'application/problem+json; charset=utf-8' }),
    ],
  ])('the check reports %s', (_what, method, response) => {
    expect(check(method, '/things/1', response)).not.toEqual([]);
  });
});
