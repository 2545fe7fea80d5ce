import { describe, expect, test } from 'vitest';
import type { ConnectionSettings } from '../../../src/domain/connection.ts';
import { createCatalogue } from '../../../src/oauth/catalogue.ts';
import { outboundUrlFault } from '../../../src/oauth/outbound-url.ts';
import { settingsFaults } from '../../../src/oauth/settings-faults.ts';
import { plainSettings } from '../../support/gateway-fixture.ts';

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

test('a sound configuration has no fault', () => {
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

test('all faults are told at once', () => {
  expect(
    paths({ authorizationUrl: null, tokenUrl: 'nonsense', scopes: ['a', 'b c'], authorizeParams: { state: 'x' } }),
  ).toEqual(['authorization_url', 'token_url', 'scopes.1', 'authorize_params.state']);
});

test.each([
  [{ provider: 'nobody' }, ['provider']],
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
] as [Partial<ConnectionSettings>, string[]][])('%j', (settings, expected) => {
  expect(paths(settings)).toEqual(expected);
});

test.each(['a/b', 'x@y', 'x#y', 'x?y', '', '../x'])('a tenant of %j is named as the fault it is', (tenant) => {
  expect(paths({ provider: 'microsoft-graph', authorizationUrl: null, tokenUrl: null, variables: { tenant } })).toEqual(
    ['variables.tenant'],
  );
});

test('a host that fits its pattern but is another address once parsed', () => {
  expect(paths({ provider: 'gitlab', authorizationUrl: null, tokenUrl: null, variables: { base: '0x7f.1' } })).toEqual([
    'authorization_url',
    'token_url',
  ]);
  expect(
    paths({ provider: 'gitlab', authorizationUrl: null, tokenUrl: null, variables: { base: '10.0.0.5' } }),
  ).toContain('token_url');
});

test('http is for private networks that were allowed', () => {
  const local = { authorizationUrl: 'http://127.0.0.1:1/a', tokenUrl: 'http://localhost:1/t' };
  expect(paths(local)).toEqual(['authorization_url', 'token_url']);
  expect(paths(local, true)).toEqual([]);
});

describe('extra parameters', () => {
  test.each([
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
  ])('%s is the protocol own', (name) => {
    expect(paths({ authorizeParams: { [name]: 'x' }, tokenParams: { [name]: 'x' } })).toEqual([
      `authorize_params.${name}`,
      `token_params.${name}`,
    ]);
  });

  test('response_mode is query or form_post: fragments never reach a server', () => {
    expect(paths({ authorizeParams: { response_mode: 'fragment' } })).toEqual(['authorize_params.response_mode']);
  });
});

test('a client certificate needs https at the endpoints that are to see it', () => {
  const local = {
    authorizationUrl: 'http://127.0.0.1:1/a',
    tokenUrl: 'http://127.0.0.1:1/t',
    revocationUrl: 'http://127.0.0.1:1/r',
  };
  expect(paths({ ...local, tokenAuthMethod: 'tls_client_auth' }, true)).toEqual(['token_url', 'revocation_url']);
  expect(paths({ ...local, tokenAuthMethod: 'private_key_jwt' }, true)).toEqual([]);
  expect(paths({ tokenAuthMethod: 'self_signed_tls_client_auth' })).toEqual([]);
});
