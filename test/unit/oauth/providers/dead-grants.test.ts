import { describe, expect, test } from 'vitest';
import type { ProviderTemplate } from '../../../../src/domain/connections/template.ts';
import type { FailureClass } from '../../../../src/domain/provider-failure.ts';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';
import { templateSchema } from '../../../../src/oauth/providers/template-schema.ts';
import { classify } from '../../../../src/oauth/responses/classification.ts';
import { deadGrantFacts, otherProviders } from './dead-grant-facts.ts';

const catalogue = createCatalogue();

function classOf(template: ProviderTemplate, isRefresh: boolean, status: number, body: unknown): FailureClass {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const context = { template, isRefresh, now: new Date('2030-01-01T00:00:00Z') };
  return classify({ status, retryAfter: null, body: text }, context).class;
}

function shippedTemplate(id: string): ProviderTemplate {
  const template = catalogue.find(id);
  if (template === undefined) throw new Error(`There is no template ${id}.`);
  return template;
}

interface Case {
  template: string;
  status: number;
  isRefresh: boolean;
  body: Record<string, unknown>;
  expected: FailureClass;
  withThisStatusOnly?: true | undefined;
}

/** Every listed response, and the same one with every other listed code. */
const cases: Case[] = deadGrantFacts.flatMap((facts) => {
  const { templates, statuses, body, codePaths, dead, deadCode = [], client = [], configuration = [] } = facts;
  const { withThisStatusOnly } = facts;
  const codes: [codes: string[], expected: FailureClass, isRefresh: boolean][] = [
    [dead, 'reauthorization', true],
    [deadCode, 'reauthorization', false],
    [client, 'client', true],
    [client, 'client', false],
    [configuration, 'configuration', true],
    [configuration, 'configuration', false],
  ];
  return templates.flatMap((template) =>
    statuses.flatMap((status) => [
      { template, status, isRefresh: true, body, expected: 'reauthorization' as const, withThisStatusOnly },
      ...codes.flatMap(([listed, expected, isRefresh]) =>
        listed.flatMap((code) =>
          codePaths.map((path) => ({
            template,
            status,
            isRefresh,
            body: { ...body, [path]: code },
            expected,
            withThisStatusOnly,
          })),
        ),
      ),
    ]),
  );
});

const isFlat = (body: Record<string, unknown>) => Object.values(body).every((value) => typeof value === 'string');

describe('the shipped templates', () => {
  test.each(cases)('$template: $status $body is $expected (refresh: $isRefresh)', (each) => {
    const { template, status, isRefresh, body, expected } = each;
    expect(classOf(shippedTemplate(template), isRefresh, status, body)).toBe(expected);
    if (!isFlat(body)) return;
    const form = new URLSearchParams(body as Record<string, string>).toString();
    expect(classOf(shippedTemplate(template), isRefresh, status, form)).toBe(expected);
  });

  test('a refusal of the grant says the same with another status, unless the status outranks it', () => {
    const ended = cases.filter(({ isRefresh, expected }) => isRefresh && expected === 'reauthorization');
    for (const { template, status: seen, body, expected, withThisStatusOnly } of ended) {
      for (const status of withThisStatusOnly ? [seen] : [400, 401, 403])
        expect(classOf(shippedTemplate(template), true, status, body), `${template} ${status}`).toBe(expected);
      for (const status of [500, 502, 503])
        expect(classOf(shippedTemplate(template), true, status, body), `${template} ${status}`).toBe('transient');
      expect(classOf(shippedTemplate(template), true, 429, body), template).toBe('throttled');
    }
  });

  test.each([
    [
      'x-twitter',
      { error: 'invalid_request', error_description: 'Value passed for the token was invalid. Try again.' },
    ],
    ['x-twitter', { error: 'invalid_request', error_description: 'Missing required parameter [refresh_token].' }],
    ['facebook', { error: { type: 'OAuthException', code: 1901 } }],
    ['facebook', { error: { type: 'OAuthException', code: 1 } }],
    ['twitch', { status: 400, message: 'missing refresh token' }],
    ['halopsa', { error: 'invalid_scope' }],
  ])('%s: %j does not end the grant', (id, body) => {
    expect(classOf(shippedTemplate(id), true, 400, body)).not.toBe('reauthorization');
  });

  test('no rule reads the numbers of Microsoft, which change', () => {
    for (const id of ['microsoft-graph', 'microsoft-csp-partner-center'])
      expect(JSON.stringify(shippedTemplate(id))).not.toMatch(/AADSTS|error_codes|suberror/);
  });
});

describe('providers without a shipped template', () => {
  test.each(otherProviders)('%s: with the rules %j, %i %j ends the grant', (_provider, rules, status, body) => {
    const template = templateSchema.parse({ id: 'own', displayName: 'Own', ...rules });
    expect(classOf(template, true, status, body)).toBe('reauthorization');
  });

  test.each([
    ['Strava', { message: 'Bad Request', errors: [{ resource: 'Application', field: 'client_id', code: 'invalid' }] }],
    ['RingCentral', { errors: [{ errorCode: 'OAU-2130' }] }],
  ])('%s: %j does not end it', (provider, body) => {
    const rules = otherProviders.find(([name]) => name === provider)?.[1];
    const template = templateSchema.parse({ id: 'own', displayName: 'Own', ...rules });
    expect(classOf(template, true, 400, body)).not.toBe('reauthorization');
  });
});
