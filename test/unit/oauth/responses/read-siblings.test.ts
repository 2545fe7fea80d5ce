import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTokenSet, serializeTokenSet } from '../../../../src/domain/grants/token-set.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';
import { parseTemplate } from '../../../../src/oauth/providers/parse-template.ts';
import { requireProvider } from '../../../../src/oauth/providers/resolve-provider.ts';
import { providerOfSibling } from '../../../../src/oauth/responses/read-siblings.ts';
import { readRefreshResponse, readTokenResponse } from '../../../../src/oauth/responses/read-token-response.ts';
import { aConnection } from '../../../support/builders/connection.ts';

const provider = requireProvider(createCatalogue(), { ...aConnection('acme', 'slack').settings, provider: 'slack' });
const now = new Date('2030-01-01T00:00:00Z');
const asResponse = (body: object) => ({
  status: 200,
  contentType: 'application/json',
  retryAfter: null,
  date: null,
  body: JSON.stringify({ ok: true, ...body }),
  isComplete: true,
});
const exchanged = (body: object) => readTokenResponse(asResponse(body), { provider, now });

const bot = { access_token: 'bot', refresh_token: 'r-bot', token_type: 'bot', expires_in: 43_200, scope: 'chat:write' };
const user = {
  access_token: 'user',
  refresh_token: 'r-user',
  token_type: 'user',
  expires_in: 600,
  scope: 'search:read',
};

describe('second token sets of a response', () => {
  test('each has its own tokens, lifetime and scopes', () => {
    const { tokens, lifetimeSeconds, scopes, siblings } = exchanged({ ...bot, authed_user: { id: 'U1', ...user } });
    expect([tokens.accessToken.reveal(), tokens.refreshToken?.reveal(), lifetimeSeconds, scopes]).toEqual([
      'bot',
      'r-bot',
      43_200,
      ['chat:write'],
    ]);
    expect(Object.keys(siblings ?? {})).toEqual(['user']);
    const { tokens: second, ...facts } = siblings?.user ?? { tokens: undefined };
    expect([second?.accessToken?.reveal(), second?.refreshToken?.reveal(), second?.tokenType]).toEqual([
      'user',
      'r-user',
      'Bearer',
    ]);
    expect(facts).toEqual({
      lifetimeSeconds: 600,
      refreshLifetimeSeconds: null,
      scopes: ['search:read'],
      account: null,
    });
  });

  test.each<[string, unknown]>([
    ['no tokens', { id: 'U1' }],
    ['no user', undefined],
    ['a text', 'U1'],
    ['tokens that are none', { access_token: '', refresh_token: 'null' }],
    ['a malformed token', { access_token: 'a\nb' }],
    ['a number', { access_token: 7 }],
  ])('with %s there is none, and the main one is read', (_name, authed_user) => {
    const { tokens, siblings } = exchanged({ ...bot, authed_user });
    expect([tokens.accessToken.reveal(), siblings]).toEqual(['bot', undefined]);
  });

  test('whatever a response holds, each refresh token ends in exactly one set, beside its own access token', () => {
    const token = fc.constantFrom(undefined, null, '', 'x');
    const shape = fc.record({ access: token, refresh: token, expires: fc.constantFrom(undefined, 60, '60 seconds') });
    fc.assert(
      fc.property(shape, shape, (first, second) => {
        const named = (kind: string, { access, refresh, expires }: typeof first) => ({
          access_token: access === 'x' ? `a-${kind}` : access,
          refresh_token: refresh === 'x' ? `r-${kind}` : refresh,
          expires_in: expires,
        });
        // A bare refresh token in the main place beside another's access token belongs to neither set for sure.
        fc.pre(first.access === 'x' || (second.access === 'x' && first.refresh !== 'x'));
        const read = exchanged({ ...named('bot', first), authed_user: named('user', second) });
        const sets = [read.tokens, ...Object.values(read.siblings ?? {}).map(({ tokens }) => tokens)];
        const pairs = sets.map(({ accessToken, refreshToken }) => [accessToken?.reveal(), refreshToken?.reveal()]);
        const sent = [first.refresh === 'x' && 'r-bot', second.refresh === 'x' && 'r-user'].filter(Boolean);
        expect(pairs.flatMap(([, refresh]) => refresh ?? []).toSorted()).toEqual(sent.toSorted());
        if (first.access === 'x' && second.access === 'x')
          expect(pairs.map(([access]) => access)).toEqual(['a-bot', 'a-user']);
      }),
    );
  });

  test.each([
    ['in the place of the main one', { ...user, access_token: 'user-2' }],
    ['in its own place', { authed_user: { ...user, access_token: 'user-2' } }],
    ['in its own place, beside the main one', { ...bot, authed_user: { ...user, access_token: 'user-2' } }],
  ])('the response to its refresh may have it %s', (_name, body) => {
    const reader = { provider: providerOfSibling(provider, 'user'), now };
    const read = readRefreshResponse(asResponse(body), new Secret('r-user-0'), reader);
    expect([read.tokens.accessToken?.reveal(), read.tokens.refreshToken?.reveal(), read.lifetimeSeconds]).toEqual([
      'user-2',
      'r-user',
      600,
    ]);
    expect([read.siblings, read.account, read.tokens.extra]).toEqual([undefined, null, {}]);
  });
});

describe('sealed token sets', () => {
  const plain = { accessToken: new Secret('at'), refreshToken: new Secret('rt'), tokenType: 'Bearer', extra: { a: 1 } };

  test('one without second token sets is written as before, and one from before is read', () => {
    const text = '{"access_token":"at","refresh_token":"rt","token_type":"Bearer","extra":{"a":1}}';
    expect(serializeTokenSet(plain)).toBe(text);
    expect(serializeTokenSet(parseTokenSet(text))).toBe(text);
  });

  test('second token sets survive', () => {
    const secrets = fc.record({ access: fc.string(), refresh: fc.option(fc.string()), type: fc.string() });
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_]*$/), secrets), (named) => {
        const siblings = Object.fromEntries(
          Object.entries(named).map(([name, { access, refresh, type }]) => [
            name,
            {
              accessToken: new Secret(access),
              refreshToken: refresh === null ? null : new Secret(refresh),
              tokenType: type,
            },
          ]),
        );
        const text = serializeTokenSet({ ...plain, siblings });
        const back = parseTokenSet(text);
        expect(serializeTokenSet(back)).toBe(text);
        for (const [name, { access }] of Object.entries(named))
          expect(back.siblings?.[name]?.accessToken.reveal()).toBe(access);
      }),
    );
  });
});

test.each([
  ['the name of a captured value', { extra: { user: 'x' }, siblings: { user: { accessToken: 'u.t' } } }, 'siblings'],
  ['a name that is no member name', { siblings: { 'A-b': { accessToken: 'u.t' } } }, 'siblings'],
  ['no access token', { siblings: { user: {} } }, 'accessToken'],
  ['an unknown member', { siblings: { user: { accessToken: 'u.t', expires: 'x' } } }, 'expires'],
])('a template whose sibling has %s is refused with the path of the fault', (_name, response, path) => {
  const { template, faults } = parseTemplate({ id: 'x', displayName: 'X', response }, 'x.json');
  expect([template, faults.join()]).toEqual([null, expect.stringContaining(path)]);
});
