import fc from 'fast-check';
import type { ProviderTemplate } from '../../../src/domain/connections/template.ts';
import { templateSchema } from '../../../src/oauth/providers/template-schema.ts';

/** Makes templates that combine every dimension of the schema, as no provider does. */
export function arbitraryTemplate(): fc.Arbitrary<ProviderTemplate> {
  return (
    fc
      .record({ ...endpoints, ...requests, ...responses, ...ends })
      // A fragment in the URL has a meaning only if the parameters go there.
      .filter(
        ({ authorizationUrl, authorizeParamsIn }) =>
          authorizeParamsIn === 'fragment' || !authorizationUrl.includes('#'),
      )
      .map((members) => templateSchema.parse({ id: 'made-up', displayName: 'Made up', ...members }))
  );
}

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);
const some = <T>(...values: T[]) => fc.subarray(values);
const parameters = (values: Record<string, string>) =>
  fc.subarray(Object.entries(values)).map((entries) => Object.fromEntries(entries));

const endpoints = {
  flows: oneOf(
    ['authorization_code', 'refresh_token'],
    ['client_credentials'],
    ['authorization_code'],
    ['authorization_code', 'client_credentials', 'refresh_token'],
  ),
  authorizationUrl: oneOf(
    'https://{tenant}.p.example/authorize',
    'https://p.example/o/authorize?fixed=a%20b&access_type=twice',
    'https://p.example/app/#/authorize',
  ),
  tokenUrl: oneOf('https://p.example/{tenant}/token', 'https://p.example/token?version=2'),
  refreshUrl: oneOf(null, 'https://refresh.p.example/{tenant}'),
  variables: oneOf(undefined, 'preset').map((preset) => ({
    tenant: { pattern: '^[a-z]{2,9}$', description: 'The tenant.', ...(preset && { default: preset }) },
  })),
  issuer: oneOf(null, 'https://p.example/{tenant}'),
  issRequired: fc.boolean(),
  pkce: fc.boolean(),
};

const requests = {
  defaultScopes: oneOf([], ['one'], ['one:a', 'https://p.example/two']),
  scopeSeparator: oneOf(' ', ',', ';', '+', ', '),
  scopeAliases: parameters({ 'https://p.example/mail': 'mail', Second: 'two' }),
  scopePrefix: oneOf(null, 'https://api.p.example/'),
  authorizeParams: parameters({ access_type: 'offline & more', tenant: '{tenant}', 'a.b': 'ü+1=2', state: 'ours' }),
  authorizeParamsIn: oneOf('query', 'fragment'),
  unencodedParams: some('scope', 'redirect_uri', 'client_id', 'a.b'),
  tokenParams: parameters({ resource: 'https://p.example/?a=1&b=2', hint: '{tenant}', grant_type: 'own' }),
  refreshParams: parameters({ expiring: '1', hint: '{tenant}', grant_type: 'own' }),
  tokenAuthMethod: oneOf(
    'client_secret_basic',
    'client_secret_basic_raw',
    'client_secret_post',
    'private_key_jwt',
    'none',
  ),
  clientAssertionAudience: oneOf('token_url', 'issuer'),
  requestBody: oneOf('form', 'json', 'query'),
  requestHeaders: parameters({ 'X-Version': '2030-01-01', Accept: 'application/vnd.p+json' }),
  renamedParams: fc
    .subarray<[string, string | null]>([
      ['client_id', 'client_key'],
      ['client_secret', 'key'],
      ['client_assertion', 'proof'],
      ['code', 'auth code'],
      ['refresh_token', 'token_r'],
      ['token', 'revoked'],
      ['scope', 'perms'],
      ['redirect_uri', null],
      ['grant_type', null],
    ])
    .map((entries) => Object.fromEntries(entries)),
  codeParam: oneOf('code', 'auth_code'),
  refresh: oneOf(
    { strategy: 'refresh_token' },
    { strategy: 'exchange_access_token', grantType: 'p_exchange', tokenParam: 'p_token' },
  ),
  sendScopeOnRefresh: fc.boolean(),
};

const responses = {
  response: fc.record({
    success: oneOf(
      null,
      { path: 'ok', equals: true },
      { path: 'status.code', equals: 0 },
      { path: 'result', equals: 'SUCCESS' },
    ),
    map: oneOf(
      {},
      { access_token: 'access_token|person.access_token', refresh_token: 'refresh_token|person.refresh_token' },
      {
        access_token: 'data.0.token',
        refresh_token: 'data.0.renewal',
        expires_in: 'data.0.ttl',
        scope: 'data.0.perms',
      },
    ),
    error: oneOf(null, 'status.reason', 'errors.0.code|fault'),
    extra: parameters({
      instance: 'instance.url',
      person: 'id_token.sub',
      person_token: 'person.access_token',
      region: 'a|b.c',
    }),
    callbackExtra: parameters({ realm: 'realmId', server: 'location' }),
    accountId: oneOf(null, 'owner.id', 'realm|owner.id', 'id_token.sub', 'id|owner.id'),
    accountName: oneOf(null, 'owner.name|owner.mail'),
  }),
  expiry: fc.record({
    defaultLifetimeSeconds: oneOf(null, 1800),
    unit: oneOf('seconds', 'milliseconds'),
    absolute: oneOf(null, 'valid.until'),
  }),
  refreshToken: fc.record({
    rotates: oneOf(null, true, false),
    lifetimeDays: oneOf(null, 0.5, 90),
    lifetimeCounts: oneOf('from_consent', 'from_issue'),
    idleDays: oneOf(null, 30),
  }),
};

const ends = {
  revocation: fc.option(
    fc
      .record({
        url: oneOf('https://{tenant}.p.example/revoke', 'https://p.example/revoke/?all=1'),
        style: oneOf('rfc7009', 'json', 'bearer', 'path', 'query'),
        method: oneOf('POST', 'DELETE', 'GET'),
        tokens: fc.subarray(['refresh_token', 'access_token'], { minLength: 1 }),
      })
      .map((each) => (each.style === 'rfc7009' || each.style === 'json' ? { ...each, method: 'POST' } : each)),
  ),
  test: fc.option(
    fc
      .record({
        method: oneOf('GET', 'POST'),
        url: oneOf('https://api.p.example/me?fields=id%2Cname', 'https://{tenant}.api.p.example/me'),
        headers: parameters({ 'X-Probe': 'yes', Accept: 'text/json' }),
        tokenHeader: oneOf(undefined, 'X-Access-Token'),
        tokenScheme: oneOf(undefined, null, 'OAuth'),
        scopes: oneOf([], ['probe', 'other']),
        account: oneOf<object>(
          {},
          { accountId: 'data.0.id|id', accountName: 'data.0.name' },
          { accountId: '0.id', accountName: '0.name' },
        ),
        body: oneOf(null, '{"query":"{ me { id } }"}'),
      })
      .map(({ account, ...probe }) => ({ ...probe, ...account })),
  ),
  failures: some<object>(
    { status: 403, class: 'configuration' },
    { path: 'error', equals: 'weird', class: 'reauthorization', detail: 'It is weird.' },
    { path: 'errors.0.kind', matches: '^OAU-[0-9]{3}$', class: 'client' },
    { status: 418, path: 'error.number', equals: 190, class: 'throttled' },
    { path: 'usable', equals: false, class: 'transient' },
    { status: 200, path: 'said', class: 'unknown' },
  ),
  terminalErrors: some('dead_token', '190', 'A token of words'),
  clientErrors: some('bad_app', 'BAD-KEY'),
};
