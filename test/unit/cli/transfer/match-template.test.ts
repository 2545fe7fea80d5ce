import { expect, test } from 'vitest';
import { matchTemplate, type Template } from '../../../../src/cli/transfer/sources/match-template.ts';

const google = ['https://accounts.google.example/auth', 'https://oauth2.google.example/token'] as const;
const template = (
  id: string,
  [authorization_url, token_url]: readonly [string, string],
  variables: Template['variables'] = {},
): Template => ({ id, authorization_url, token_url, variables });

const templates: Template[] = [
  template('google-gmail', google),
  template('google', google),
  template('desk', ['https://{sub}.desk.example/authorize', 'https://{sub}.desk.example/token?a=1'], {
    sub: { pattern: '^[a-z0-9-]+$' },
  }),
  template('crm', ['https://app.crm.example/authorize', 'https://api.crm.example/v3/token']),
  { id: 'generic', authorization_url: null, token_url: null, variables: {} },
];
const match = (authorizationUrl: string, tokenUrl: string, preferred = '') =>
  matchTemplate(templates, { authorizationUrl, tokenUrl }, preferred);

test('of several templates with the same addresses, the named one wins, otherwise the most general', () => {
  expect(match(...google)).toEqual({ provider: 'google' });
  expect(match(...google, 'google-gmail')).toEqual({ provider: 'google-gmail' });
});

test('the values of variables are found in the addresses', () => {
  const desk = (a: string, b = a) =>
    match(`https://${a}.desk.example/authorize`, `https://${b}.desk.example/token?a=1`);
  expect(desk('acme')).toEqual({ provider: 'desk', variables: { sub: 'acme' } });
  // Two hosts would be two accounts.
  expect(desk('acme', 'other')).toBeUndefined();
  expect(desk('ACME')).toBeUndefined();
  expect(match('https://acme.desk.example/authorize', 'https://acme.desk.example/token')).toBeUndefined();
});

test('a provider that moved its token endpoint is found by name and host', () => {
  const moved = ['https://app.crm.example/authorize', 'https://api.crm.example/v1/token'] as const;
  expect(match(...moved, 'crm')).toEqual({ provider: 'crm' });
  expect(match(...moved, 'another')).toBeUndefined();
  expect(match('https://crm.attacker.example/authorize', moved[1], 'crm')).toBeUndefined();
});
