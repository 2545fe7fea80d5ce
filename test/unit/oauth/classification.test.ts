import { expect, test } from 'vitest';
import { classify, readErrorCode, refusalFailure } from '../../../src/oauth/classification.ts';

const lists = { terminalErrors: ['bad_refresh_token'], clientErrors: ['bad_client_secret'] };

test.each([
  [400, 'invalid_grant', 'reauthorization'],
  [401, 'invalid_grant', 'reauthorization'],
  [200, 'invalid_grant', 'reauthorization'],
  [400, 'bad_refresh_token', 'reauthorization'],
  [401, 'invalid_client', 'client'],
  [400, 'unauthorized_client', 'client'],
  [200, 'bad_client_secret', 'client'],
  [400, 'invalid_scope', 'configuration'],
  [400, 'unsupported_grant_type', 'configuration'],
  [400, 'invalid_target', 'configuration'],
  [400, 'slow_down', 'throttled'],
  [429, null, 'throttled'],
  [400, 'server_error', 'transient'],
  [400, 'temporarily_unavailable', 'transient'],
  [500, null, 'transient'],
  [302, null, 'transient'],
  [307, null, 'transient'],
  [404, null, 'transient'],
  [408, null, 'transient'],
  [400, null, 'transient'],
  [403, null, 'transient'],
  [400, 'invalid_request', 'unknown'],
  [400, 'anything_else', 'unknown'],
  [200, 'anything_else', 'unknown'],
] as const)('%i %s is %s', (status, code, expected) => {
  expect(classify(status, code, lists)).toBe(expected);
});

test.each([
  [500, 'invalid_grant', 'transient'],
  [503, 'invalid_client', 'transient'],
  [429, 'invalid_grant', 'throttled'],
  [404, 'invalid_grant', 'transient'],
  [307, 'invalid_grant', 'transient'],
] as const)('the HTTP status outranks the body: %i with %s is %s', (status, code, expected) => {
  expect(classify(status, code, lists)).toBe(expected);
});

test.each([
  ['invalid_grant', 'invalid_grant'],
  ['AADSTS70008', 'AADSTS70008'],
  ['two words', null],
  ['<script>', null],
  ['quote"', null],
  ['line\nbreak', null],
  ['', null],
  ['x'.repeat(65), null],
  [{ code: 190 }, null],
  [undefined, null],
])('the error code %j is shown as %j', (value, expected) => {
  expect(readErrorCode(value)).toBe(expected);
});

test.each([
  ['2', 2000],
  [' 0 ', 0],
  ['Tue, 01 Jan 2030 00:00:30 GMT', 30_000],
  ['Tue, 01 Jan 2019 00:00:30 GMT', 0],
  ['soon', null],
  [null, null],
])('Retry-After %j is %j ms', (retryAfter, expected) => {
  const now = new Date('2030-01-01T00:00:00Z');
  const { facts } = refusalFailure({ status: 429, error: null, retryAfter }, lists, now);
  expect(facts.retryAfterMs).toBe(expected);
  expect(facts).toMatchObject({ sent: true, answered: true, httpStatus: 429 });
});
