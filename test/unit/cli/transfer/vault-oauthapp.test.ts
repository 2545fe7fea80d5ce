import { describe, expect, test } from 'vitest';
import { mapServer } from '../../../../src/cli/transfer/sources/vault-oauthapp/map-server.ts';
import { readVaultFile } from '../../../../src/cli/transfer/sources/vault-oauthapp/vault-lines.ts';

const line = (value: unknown) => JSON.stringify(value);

test('a file has servers, credentials and credentials of machines', () => {
  const file = readVaultFile(
    [
      line({ server: 'github', provider: 'github', client_id: 'c' }),
      '',
      line({ server: 'github', credential: 'ada', organization_id: 'acme', scopes: 'repo,user' }),
      line({ server: 'github', credential: 'robot', subject: null }),
      line({ server: 'github', self: 'reports', scopes: ['read'], token_url_params: { audience: 'a' } }),
    ].join('\n'),
  );
  expect([...file.servers.keys()]).toEqual(['github']);
  expect(file.credentials).toEqual([
    { name: 'ada', server: 'github', subject: 'ada', organization: 'acme', scopes: ['repo', 'user'] },
    { name: 'robot', server: 'github', subject: undefined, organization: undefined, scopes: undefined },
  ]);
  expect(file.machines).toEqual([
    { name: 'reports', server: 'github', scopes: ['read'], tokenParams: { audience: 'a' } },
  ]);
});

test.each([
  ['no JSON', '{"server"', /Line 1 is not JSON/],
  ['no server', '{"credential":"ada"}', /Line 1 names no server/],
])('a line with %s ends the command, and is not repeated', (_what, text, message) => {
  expect(() => readVaultFile(text)).toThrow(message);
});

describe('a server', () => {
  const map = (data: object) => mapServer({ name: 's', data: { client_id: 'c', ...data } });

  test.each<[string, object, object]>([
    ['github', {}, { provider: 'github' }],
    ['microsoft_azure_ad', { tenant: 't1' }, { provider: 'microsoft-graph', variables: { tenant: 't1' } }],
    ['microsoft_azure_ad', {}, { variables: { tenant: 'organizations' } }],
    ['okta', { domain: 'dev.okta.com' }, { provider: 'okta', variables: { domain: 'dev.okta.com' } }],
    ['bitbucket', {}, { provider: 'generic', token_url: 'https://bitbucket.org/site/oauth2/access_token' }],
    [
      'custom',
      { auth_code_url: 'https://a.example', token_url: 'https://t.example', auth_style: 'in_params' },
      {
        authorization_url: 'https://a.example',
        token_url: 'https://t.example',
        token_auth_method: 'client_secret_post',
      },
    ],
  ])('of the provider %s becomes a connection', (provider, provider_options, expected) => {
    expect(map({ provider, provider_options, auth_url_params: { prompt: 'consent', state: 'x' } })).toMatchObject({
      client_id: 'c',
      authorize_params: { prompt: 'consent' },
      ...expected,
    });
  });

  test.each<[string, object, RegExp]>([
    ['whose addresses are discovered', { provider: 'oidc' }, /needs addresses/],
    ['without a token URL', { provider: 'custom', provider_options: {} }, /needs addresses/],
    ['named like a member of every object', { provider: 'constructor' }, /needs addresses/],
    ['without a client', { provider: 'github', client_id: '' }, /no client_id/],
  ])('%s is reported', (_what, data, reason) => {
    expect(map(data)).toEqual({ reason: expect.stringMatching(reason) });
  });
});
