import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';
import { templateSchema } from '../../../../src/oauth/providers/template-schema.ts';
import { classify, type RefusalContext, refusalFailure } from '../../../../src/oauth/responses/classification.ts';
import { readErrorCode } from '../../../../src/oauth/responses/error-codes.ts';
import { generalRefusals, templateRefusals } from './refusals.ts';

const now = new Date('2030-01-01T00:00:00Z');
const catalogue = createCatalogue();
const plain = templateSchema.parse({ id: 'plain', displayName: 'Plain' });

const contextOf = (template: RefusalContext['template'], isRefresh: boolean): RefusalContext => ({
  template,
  isRefresh,
  now,
});
const refusalOf = (status: number, body: unknown, retryAfter: string | null = null) => ({
  status,
  retryAfter,
  body: typeof body === 'string' || body === null ? body : JSON.stringify(body),
});
const failureOf = (status: number, body: unknown, sent: string[] = []) =>
  refusalFailure(refusalOf(status, body), { ...contextOf(plain, true), sent }).facts;

describe('what a refusal means', () => {
  test.each(generalRefusals)('%i %j is %s on a refresh', (status, body, refresh) => {
    expect(classify(refusalOf(status, body), contextOf(plain, true)).class).toBe(refresh);
  });

  test.each(generalRefusals)(
    '%i %j, %s on a refresh, keeps its meaning in other requests',
    (status, body, refresh, other) => {
      expect(classify(refusalOf(status, body), contextOf(plain, false)).class).toBe(other ?? refresh);
    },
  );

  test.each(templateRefusals)('%s: %i %j is %s', (id, status, body, refresh, other) => {
    const template = catalogue.find(id);
    if (template === undefined) throw new Error('missing');
    expect(classify(refusalOf(status, body), contextOf(template, true)).class).toBe(refresh);
    expect(classify(refusalOf(status, body), contextOf(template, false)).class).toBe(other ?? refresh);
  });

  test('a standard code means the same for every shipped template', () => {
    for (const template of catalogue.list()) {
      for (const [status, body, refresh] of generalRefusals.slice(0, 9))
        expect(classify(refusalOf(status, body), contextOf(template, true)).class, template.id).toBe(refresh);
    }
  });

  test('spelling does not matter, text around a code does', () => {
    const separators = fc.array(fc.constantFrom(' ', '-', '_', '.', ''), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(separators, fc.boolean(), fc.string({ minLength: 1 }), ([a, b], isUpper, around) => {
        const code = `invalid${a}refresh${b}token`;
        const spelled = isUpper ? code.toUpperCase() : code;
        expect(failureOf(400, { error: spelled }).class).toBe('reauthorization');
        if (/[\p{L}\p{N}]/u.test(around)) expect(failureOf(400, { error: around + spelled }).class).toBe('unknown');
      }),
    );
  });

  test('any body is classified without an error, and its code is short and printable', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 599 }), fc.oneof(fc.json(), fc.string()), (status, body) => {
        expect(failureOf(status, body).oauthError ?? 'x').toMatch(/^[\x21-\x7e]{1,64}$/);
      }),
    );
  });
});

describe('the rules of a template', () => {
  const ruled = templateSchema.parse({
    id: 'ruled',
    displayName: 'Ruled',
    response: { error: 'reason.name' },
    failures: [
      { path: 'error.code', equals: 190, class: 'reauthorization', detail: 'The person has to log in again.' },
      {
        status: 400,
        path: 'error_description',
        matches: '^Value passed for the token was invalid\\.$',
        class: 'reauthorization',
      },
      { path: 'errors.0.errorCode', equals: 'OAU-213', class: 'reauthorization' },
      { status: 500, path: 'error', equals: 'invalid_grant', class: 'reauthorization' },
      { status: 422, class: 'configuration' },
      { path: 'error', matches: '^(a|b)$', class: 'client' },
      { path: 'error', equals: 'b', class: 'throttled' },
    ],
    terminalErrors: ['gone'],
    clientErrors: ['who?'],
  });

  test.each([
    [400, { error: { code: 190, type: 'OAuthException' } }, 'reauthorization'],
    [400, { error: { code: '190' } }, 'reauthorization'],
    [400, { error: { code: 191 } }, 'unknown'],
    [
      400,
      { error: 'invalid_request', error_description: 'Value passed for the token was invalid.' },
      'reauthorization',
    ],
    [401, { error: 'invalid_request', error_description: 'Value passed for the token was invalid.' }, 'unknown'],
    [400, { error: 'invalid_request', error_description: 'No: Value passed for the token was invalid.' }, 'unknown'],
    [400, { errors: [{ errorCode: 'OAU-213' }] }, 'reauthorization'],
    [500, { error: 'invalid_grant' }, 'reauthorization'],
    [422, '<html>', 'configuration'],
    [400, { error: 'b' }, 'client'],
    [400, { error: 'ab' }, 'unknown'],
    [400, { reason: { name: 'gone' } }, 'reauthorization'],
    [400, { reason: { name: 'Who' } }, 'client'],
    [400, { reason: { name: 'invalid_grant' } }, 'reauthorization'],
  ] as const)('%i %j is %s', (status, body, expected) => {
    expect(classify(refusalOf(status, body), contextOf(ruled, true)).class).toBe(expected);
  });

  test('the detail of a rule is part of the message', () => {
    const { message } = refusalFailure(refusalOf(400, { error: { code: 190 } }), contextOf(ruled, true));
    expect(message).toBe('The provider refused: 190 (status 400). The person has to log in again.');
  });

  test.each([
    { class: 'client' },
    { path: 'error', class: 'refused' },
    { path: 'error', matches: 'free', class: 'client' },
    { path: 'error', matches: '^($', class: 'client' },
    { path: 'error', equals: 'a', matches: '^a$', class: 'client' },
    { status: 400, equals: 'a', class: 'client' },
  ])('a rule with %j does not load', (rule) => {
    expect(templateSchema.safeParse({ id: 'x', displayName: 'X', failures: [rule] }).success).toBe(false);
  });
});

describe('the code of a refusal', () => {
  test.each([
    [{ error: 'invalid_grant' }, 'invalid_grant'],
    [{ error: 'Bad Request', message: 'Invalid refresh token' }, 'invalid_refresh_token'],
    [{ error: { code: 400, type: 'OAuthException' } }, 'OAuthException'],
    [{ error: { code: 190 } }, '190'],
    [{ error: 'bad <b>request</b>' }, null],
    [{ message: 'Something went wrong' }, null],
  ])('%j has the code %j', (body, code) => {
    expect(failureOf(400, body).oauthError).toBe(code);
  });

  test.each([
    ['AADSTS70008', 'AADSTS70008'],
    ['two words', null],
    ['quote"', null],
    ['line\nbreak', null],
    ['', null],
    ['x'.repeat(65), null],
    [{ code: 190 }, null],
    [undefined, null],
  ])('%j is read as %j', (value, expected) => {
    expect(readErrorCode(value)).toBe(expected);
  });
});

describe('the description of a refusal', () => {
  test.each([
    [
      { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' },
      'Token has been expired or revoked.',
    ],
    [{ error: { message: 'Session\r\nhas \u202e expired' } }, 'Session has expired'],
    [{ errors: [{ message: 'Refresh token invalid' }] }, 'Refresh token invalid'],
    [{ message: 'x'.repeat(500) }, 'x'.repeat(200)],
    [{ fault: { faultstring: 'Invalid refresh token' } }, 'Invalid refresh token'],
    [{ error: 'invalid_grant' }, null],
    [{ error_description: { a: 1 } }, null],
    ['<html>', null],
  ])('%j has the description %j', (body, description) => {
    expect(failureOf(400, body).description).toBe(description);
  });

  test('it never contains a value that was sent', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 8, maxLength: 40 }), fc.string(), (secret, around) => {
        const { description } = failureOf(400, { error_description: `${around}${secret}` }, [secret]);
        expect(description ?? '').not.toContain(secret);
      }),
    );
  });

  test('it is not read where nobody says what was sent', () => {
    const { facts } = refusalFailure(refusalOf(400, { error_description: 'text' }), contextOf(plain, true));
    expect(facts.description).toBeNull();
  });
});

describe('Retry-After', () => {
  test.each([
    ['2', 2000],
    [' 0 ', 0],
    ['1.5', 1500],
    ['0.0001', 1],
    ['30s', 30_000],
    ['30 S', 30_000],
    ['2.25s', 2250],
    ['86400', 900_000],
    ['999999999', 900_000],
    ['Tue, 01 Jan 2030 00:00:30 GMT', 30_000],
    ['Tuesday, 01-Jan-30 00:00:30 GMT', 30_000],
    ['Tue Jan  1 00:00:30 2030', 30_000],
    ['Tue, 01 Jan 2031 00:00:30 GMT', 900_000],
    ['Tue, 01 Jan 2019 00:00:30 GMT', 0],
    ['-5', null],
    ['2m', null],
    ['1e3', null],
    ['2030', 900_000],
    ['soon', null],
    ['', null],
    [null, null],
  ])('%j is read as %j ms', (retryAfter, expected) => {
    const { facts } = refusalFailure(refusalOf(429, '', retryAfter), contextOf(plain, true));
    expect(facts.retryAfterMs).toBe(expected);
    expect(facts).toMatchObject({ sent: true, answered: true, httpStatus: 429 });
  });
});
