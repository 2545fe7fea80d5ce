import { describe, expect, test } from 'vitest';
import type { AnswerBody } from '../support/broker-api.ts';
import { createAnswerCheck, type OpenApi } from './documented-answers.ts';

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
const check = createAnswerCheck(document);
const thing = { at: '2030-01-31T12:00:00.000Z', note: null };
const problem = {
  ...{ type: '/docs#rate_limited', title: 'Too many', status: 429, detail: 'Wait.', instance: 'r-1' },
  ...{ code: 'rate_limited', retry_after: 3 },
};
const common = { 'x-request-id': 'r-1', 'cache-control': 'no-store' };
const problemHeaders = { ...common, 'content-type': 'application/problem+json', 'retry-after': '3' };
const answer = (status: number, body: object | null, headers: Record<string, string> = {}) => ({
  status,
  headers: new Headers({ ...common, ...(body !== null && { 'content-type': 'application/json' }), ...headers }),
  body: (body ?? {}) as AnswerBody,
  text: body === null ? '' : JSON.stringify(body),
});

describe('the check of every answer', () => {
  test('passes what the document says', () => {
    expect(check('GET', '/things/1?x=1', answer(200, thing))).toEqual([]);
    expect(check('GET', '/things/1', answer(429, problem, problemHeaders))).toEqual([]);
    expect(check('DELETE', '/things/1', answer(204, null))).toEqual([]);
  });

  test.each<[string, string, ReturnType<typeof answer>]>([
    ['a member that is missing', 'GET', answer(200, { at: thing.at })],
    ['a member that is not named', 'GET', answer(200, { ...thing, secret: 'x' })],
    ['a time that is none', 'GET', answer(200, { ...thing, at: 'yesterday' })],
    ['another type', 'GET', answer(200, { ...thing, note: 7 })],
    ['a status that is not declared', 'GET', answer(202, thing)],
    ['another media type', 'GET', answer(200, thing, { 'content-type': 'text/html' })],
    ['a method that is not declared', 'PUT', answer(200, thing)],
    ['an answer that may be stored', 'GET', answer(200, thing, { 'cache-control': 'public' })],
    ['a problem without a title', 'GET', answer(429, { ...problem, title: '' }, problemHeaders)],
    ['a problem of another status', 'GET', answer(429, { ...problem, status: 500 }, problemHeaders)],
    ['a problem of another request', 'GET', answer(429, { ...problem, instance: 'r-2' }, problemHeaders)],
    ['another Retry-After', 'GET', answer(429, problem, { ...problemHeaders, 'retry-after': '4' })],
    [
      'a problem with a charset',
      'GET',
      answer(429, problem, { ...problemHeaders, 'content-type': 'application/problem+json; charset=utf-8' }),
    ],
  ])('finds %s', (_what, method, given) => {
    expect(check(method, '/things/1', given)).not.toEqual([]);
  });
});
