import { afterAll, beforeAll, expect, test } from 'vitest';
import { templateSchema } from '../../src/oauth/providers/template-schema.ts';
import { runConformance } from '../support/conforming-provider/conformance.ts';
import { type ProviderServer, startProviderServer } from '../support/conforming-provider/server.ts';

let server: ProviderServer;
beforeAll(async () => {
  server = await startProviderServer();
});
afterAll(() => server?.close());

const members = {
  id: 'made-up',
  displayName: 'Made up',
  flows: ['authorization_code', 'client_credentials', 'refresh_token'],
  authorizationUrl: 'https://{tenant}.p.example/authorize',
  tokenUrl: 'https://p.example/token',
  refreshUrl: 'https://p.example/refresh',
  variables: { tenant: { pattern: '^[a-z]+$', default: 'acme', description: 'The tenant.' } },
  issuer: 'https://p.example',
  issRequired: true,
  pkce: true,
  defaultScopes: ['one', 'two'],
  scopeSeparator: ',',
  authorizeParams: { access_type: 'offline', audience: 'api' },
  unencodedParams: ['scope'],
  tokenParams: { resource: 'https://p.example/' },
  refreshParams: { expiring: '1' },
  tokenAuthMethod: 'client_secret_basic',
  requestBody: 'form',
  requestHeaders: { 'X-Version': '1' },
  renamedParams: { client_id: 'client_key', code_verifier: 'proof' },
  codeParam: 'auth_code',
  sendScopeOnRefresh: true,
  response: {
    success: { path: 'ok', equals: true },
    map: { access_token: 'data.token', refresh_token: 'data.renewal' },
    error: 'reason',
    extra: { instance: 'instance.url' },
    callbackExtra: { realm: 'realmId' },
    accountId: 'owner.id',
    accountName: 'owner.name',
  },
  expiry: { defaultLifetimeSeconds: 1800 },
  refreshToken: { lifetimeDays: 90 },
  revocation: { url: 'https://p.example/revoke' },
  test: { url: 'https://p.example/me', headers: { 'X-Probe': 'yes' }, accountId: 'id', accountName: 'name' },
  failures: [{ path: 'reason', equals: 'weird', class: 'configuration' }],
  terminalErrors: ['dead_token'],
  clientErrors: ['bad_app'],
};
const template = templateSchema.parse(members);
const { response, revocation, test: probe } = members;

test('a broker with the template of the provider conforms to it', async () => {
  expect((await runConformance(server, template)).faults).toEqual([]);
});

// Each row is a provider that differs in one dimension from the template that the broker has.
test.each<[dimension: string, deviation: object, found: RegExp]>([
  ['authorization URL', { authorizationUrl: 'https://{tenant}.p.example/oauth' }, /^authorization: the URL/],
  ['variable', { variables: { tenant: { ...members.variables.tenant, default: 'other' } } }, /^authorization: the URL/],
  ['token URL', { tokenUrl: 'https://p.example/tokens' }, /^code exchange: the URL/],
  ['refresh URL', { refreshUrl: null }, /^refresh: the URL/],
  ['issuer', { issuer: 'https://other.example' }, /^code exchange: the call ended in refused/],
  ['PKCE', { pkce: false }, /^authorization: there is a PKCE verifier/],
  ['default scopes', { defaultScopes: ['one', 'two,three'] }, /^settings: scopes/],
  ['scope separator', { scopeSeparator: ' ' }, /^authorization: the parameter scope/],
  ['scope alias', { scopeAliases: { first: 'one' } }, /^scopes: the granted first does not count as one/],
  ['scope prefix', { scopePrefix: 'https://p.example/' }, /^scopes: the granted https:\/\/p\.example\/one/],
  ['authorize parameter', { authorizeParams: { access_type: 'offline' } }, /^authorization: the parameter audience/],
  ['place of the parameters', { authorizeParamsIn: 'fragment' }, /^authorization: the URL/],
  ['encoding of a parameter', { unencodedParams: [] }, /^authorization: the parameter scope is encoded/],
  ['token parameter', { tokenParams: {} }, /^code exchange: the parameter resource/],
  ['refresh parameter', { refreshParams: { expiring: '2' } }, /^refresh: the parameter expiring/],
  ['client_secret_post', { tokenAuthMethod: 'client_secret_post' }, /^code exchange: the client secret/],
  ['raw Basic', { tokenAuthMethod: 'client_secret_basic_raw' }, /^code exchange: Basic holds/],
  ['private_key_jwt', { tokenAuthMethod: 'private_key_jwt' }, /^code exchange: the assertion type/],
  ['JSON body', { requestBody: 'json' }, /^code exchange: the content type/],
  ['query body', { requestBody: 'query' }, /^code exchange: the body/],
  ['request header', { requestHeaders: { 'X-Version': '2' } }, /^code exchange: the header x-version/],
  ['renamed parameter', { renamedParams: { client_id: 'client_key' } }, /^code exchange: the parameter proof/],
  ['dropped parameter', { renamedParams: { ...members.renamedParams, redirect_uri: null } }, /parameter redirect_uri/],
  ['code parameter', { codeParam: 'code' }, /^code exchange: the call ended in/],
  ['scope on refresh', { sendScopeOnRefresh: false }, /^refresh: the parameter scope/],
  [
    'refresh strategy',
    { refresh: { strategy: 'exchange_access_token', grantType: 'p', tokenParam: 't' } },
    /^refresh: the parameter t /,
  ],
  [
    'success test',
    { response: { ...response, success: { path: 'ok', equals: 1 } } },
    /^code exchange: the call ended in/,
  ],
  [
    'place of the token',
    { response: { ...response, map: { access_token: 'd.t' } } },
    /^code exchange: the call ended in/,
  ],
  ['place of the error', { response: { ...response, error: 'problem' } }, /refused by dead_token: the class/],
  ['extra value', { response: { ...response, extra: { instance: 'base.url' } } }, /^code exchange: extra is/],
  ['callback value', { response: { ...response, callbackExtra: { realm: 'realm' } } }, /^code exchange: extra is/],
  ['account', { response: { ...response, accountId: 'owner.key' } }, /^code exchange: account is/],
  ['account name', { response: { ...response, accountName: 'owner.label' } }, /^code exchange: account is/],
  ['default lifetime', { expiry: { defaultLifetimeSeconds: 600 } }, /^code exchange: lifetimeSeconds/],
  ['unit of a lifetime', { expiry: { defaultLifetimeSeconds: 1800, unit: 'milliseconds' } }, /: lifetimeSeconds/],
  ['absolute expiry', { expiry: { defaultLifetimeSeconds: 1800, absolute: 'until' } }, /: lifetimeSeconds/],
  ['refresh token lifetime', { refreshToken: { lifetimeDays: 30 } }, /^code exchange: refreshLifetimeSeconds/],
  ['revocation URL', { revocation: { ...revocation, url: 'https://p.example/end' } }, /^revocation: the URL/],
  ['revocation style', { revocation: { ...revocation, style: 'json' } }, /^revocation: the content type/],
  ['revocation by bearer', { revocation: { ...revocation, style: 'bearer' } }, /^revocation: 2 requests, not 1/],
  ['revocation method', { revocation: { ...revocation, style: 'path', method: 'DELETE' } }, /^revocation: the method/],
  ['revoked tokens', { revocation: { ...revocation, tokens: ['refresh_token'] } }, /^revocation: 2 requests, not 1/],
  ['no revocation', { revocation: null }, /requests, not 0/],
  ['probe URL', { test: { ...probe, url: 'https://p.example/user' } }, /^probe: the URL/],
  ['probe method', { test: { ...probe, method: 'POST' } }, /^probe: the method/],
  ['probe header', { test: { ...probe, headers: { 'X-Probe': 'no' } } }, /^probe: the header x-probe/],
  ['probe token header', { test: { ...probe, tokenHeader: 'X-Token' } }, /^probe: the header x-token/],
  ['probe token scheme', { test: { ...probe, tokenScheme: 'OAuth' } }, /^probe: the header authorization/],
  ['probe body', { test: { ...probe, method: 'POST', body: '{}' } }, /^probe: the body/],
  ['account of the probe', { test: { ...probe, accountId: 'key' } }, /^probe: the account/],
  ['no probe', { test: null }, /requests, not 0/],
  [
    'meaning of a refusal',
    { failures: [{ path: 'reason', equals: 'weird', class: 'client' }] },
    /the class is configuration/,
  ],
  ['terminal error', { terminalErrors: ['gone'] }, /refused by gone: the class/],
  ['client error', { clientErrors: ['other_app'] }, /refused by other_app: the class/],
])('a deviation is found: %s', async (_, deviation, found) => {
  const provider = templateSchema.parse({ ...members, ...deviation });
  expect((await runConformance(server, provider, template)).faults).toContainEqual(expect.stringMatching(found));
});
