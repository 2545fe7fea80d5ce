import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ConnectionSettings } from '../../../../src/domain/connections/connection.ts';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';
import { settingsFaults } from '../../../../src/oauth/providers/settings-faults.ts';
import { outboundUrlFault } from '../../../../src/outbound/outbound-url.ts';
import { plainSettings } from '../../../support/provider/gateway-fixture.ts';

const catalogue = createCatalogue();
const good: ConnectionSettings = {
  ...plainSettings,
  provider: 'generic',
  authorizationUrl: 'https://idp.example/authorize',
  tokenUrl: 'https://idp.example/token',
};

function paths(settings: Partial<ConnectionSettings>, allowPrivateNetwork = false): string[] {
  const http = { urlFault: (url: string) => outboundUrlFault(url, allowPrivateNetwork) };
  return settingsFaults(catalogue, http, { ...good, ...settings }).map(({ path }) => path);
}

test('a valid configuration has no fault', () => {
  expect(paths({})).toEqual([]);
  expect(paths({ provider: 'google', authorizationUrl: null, tokenUrl: null })).toEqual([]);
  expect(paths({ flow: 'client_credentials', authorizationUrl: null })).toEqual([]);
  expect(paths({ flow: 'refresh_token', authorizationUrl: null })).toEqual([]);
  expect(
    paths({
      authorizeParams: { response_mode: 'form_post', resource: 'x', access_type: 'offline' },
      tokenParams: { audience: 'x' },
    }),
  ).toEqual([]);
});

test('all faults of a configuration are reported together', () => {
  expect(
    paths({ authorizationUrl: null, tokenUrl: 'nonsense', scopes: ['a', 'b c'], authorizeParams: { state: 'x' } }),
  ).toEqual(['authorization_url', 'token_url', 'scopes.1', 'authorize_params.state']);
});

test.each([
  [{ provider: 'unknown' }, ['provider']],
  [{ provider: 'slack', flow: 'client_credentials' }, ['oauth_flow_type']],
  [{ flow: 'client_credentials', tokenAuthMethod: 'none' }, ['token_auth_method']],
  [{ tokenUrl: null }, ['token_url']],
  [{ tokenUrl: 'http://idp.example/token' }, ['token_url']],
  [{ tokenUrl: 'https://127.0.0.1/token' }, ['token_url']],
  [{ tokenUrl: 'https://0x7f.1/token' }, ['token_url']],
  [{ tokenUrl: 'https://idp.example/token#x' }, ['token_url']],
  [{ authorizationUrl: 'https://user:pw@idp.example/' }, ['authorization_url']],
  [{ revocationUrl: 'ftp://idp.example/' }, ['revocation_url']],
  [{ testUrl: 'https://169.254.169.254/' }, ['test_url']],
  [{ variables: { tenant: 'x' } }, ['variables.tenant']],
] as [Partial<ConnectionSettings>, string[]][])('the settings %j have the fault %j', (settings, expected) => {
  expect(paths(settings)).toEqual(expected);
});

test.each(['a/b', 'x@y', 'x#y', 'x?y', '', '../x'])('the tenant %j is reported as the only fault', (tenant) => {
  expect(paths({ provider: 'microsoft-graph', authorizationUrl: null, tokenUrl: null, variables: { tenant } })).toEqual(
    ['variables.tenant'],
  );
});

test('a host variable that parses to an IP address is refused although it matches its pattern', () => {
  expect(paths({ provider: 'gitlab', authorizationUrl: null, tokenUrl: null, variables: { base: '0x7f.1' } })).toEqual([
    'authorization_url',
    'token_url',
  ]);
  expect(
    paths({ provider: 'gitlab', authorizationUrl: null, tokenUrl: null, variables: { base: '10.0.0.5' } }),
  ).toContain('token_url');
});

test('http URLs are accepted only if private networks are allowed', () => {
  const local = { authorizationUrl: 'http://127.0.0.1:1/a', tokenUrl: 'http://localhost:1/t' };
  expect(paths(local)).toEqual(['authorization_url', 'token_url']);
  expect(paths(local, true)).toEqual([]);
});

const protocolNames = [
  'state',
  'redirect_uri',
  'client_id',
  'response_type',
  'code',
  'code_challenge',
  'code_verifier',
  'grant_type',
  'refresh_token',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'request',
  'request_uri',
];

describe('extra parameters', () => {
  test.each(protocolNames)('an extra parameter may not be named %s, which the protocol sets itself', (name) => {
    expect(paths({ authorizeParams: { [name]: 'x' }, tokenParams: { [name]: 'x' } })).toEqual([
      `authorize_params.${name}`,
      `token_params.${name}`,
    ]);
  });

  test('no spelling that a server could read as a protocol name is accepted', () => {
    const spelling = fc.record({
      name: fc.constantFrom(...protocolNames),
      upper: fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
      before: fc.constantFrom('', '['),
      after: fc.constantFrom('', '[]', '[0]', '[x', ']', '[][]'),
      dots: fc.boolean(),
    });
    fc.assert(
      fc.property(spelling, ({ name, upper, before, after, dots }) => {
        const letters = [...name].map((letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join('');
        const written = `${before}${dots ? letters.replaceAll('_', '.') : letters}${after}`;
        expect(paths({ authorizeParams: { [written]: 'query' } })).toEqual([`authorize_params.${written}`]);
        expect(paths({ tokenParams: { [written]: 'query' } })).toEqual([`token_params.${written}`]);
      }),
    );
  });

  test.each(['Response_Mode', 'RESPONSE_MODE', 'response_mode[]', 'response.mode'])(
    'response_mode may not be spelt %s, whatever its value',
    (name) => {
      expect(paths({ authorizeParams: { [name]: 'query' } })).toEqual([`authorize_params.${name}`]);
    },
  );

  test.each(['audience', 'access_type', 'prompt', 'requested_token_use', 'resource[]', 'tokenState', 'restate'])(
    'the parameter %s is accepted',
    (name) => {
      expect(paths({ authorizeParams: { [name]: 'x' }, tokenParams: { [name]: 'x' } })).toEqual([]);
    },
  );

  test('response_mode must be query or form_post, because a fragment never reaches a server', () => {
    expect(paths({ authorizeParams: { response_mode: 'fragment' } })).toEqual(['authorize_params.response_mode']);
  });
});

test('a client certificate needs https at the token and revocation endpoints', () => {
  const local = {
    authorizationUrl: 'http://127.0.0.1:1/a',
    tokenUrl: 'http://127.0.0.1:1/t',
    revocationUrl: 'http://127.0.0.1:1/r',
  };
  expect(paths({ ...local, tokenAuthMethod: 'tls_client_auth' }, true)).toEqual(['token_url', 'revocation_url']);
  expect(paths({ ...local, tokenAuthMethod: 'private_key_jwt' }, true)).toEqual([]);
  expect(paths({ tokenAuthMethod: 'self_signed_tls_client_auth' })).toEqual([]);
});
