import { afterEach, describe, expect, test } from 'vitest';
import {
  exchange,
  fixedNow,
  type GatewayFixture,
  type GatewayFixtureOptions,
  held,
  startGateway,
} from '../../../support/provider/gateway-fixture.ts';
import { json, type Reply, text } from '../../../support/provider/hostile-provider.ts';

let open: GatewayFixture | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

/** Refreshes against a provider that sends this reply; returns the token response with its tokens revealed. */
async function refreshedBy(reply: Reply, options: GatewayFixtureOptions = {}, scopes: string[] = []) {
  await open?.close();
  open = await startGateway({ timing: { retries: 0 }, ...options });
  open.provider.script('/token', reply);
  const response = await open.gateway.refresh(open.client, held(), scopes);
  return {
    ...response,
    access: response.tokens.accessToken?.reveal() ?? null,
    refresh: response.tokens.refreshToken?.reveal() ?? null,
  };
}

const minimal = { access_token: 'new' };

describe('deviations accepted for every provider', () => {
  test.each([
    [undefined, 'Bearer'],
    [null, 'Bearer'],
    ['bot', 'Bearer'],
    [7, 'Bearer'],
    [{}, 'Bearer'],
    ['', 'Bearer'],
    ['bearer', 'Bearer'],
    ['BEARER', 'Bearer'],
    [' bEaReR\n', 'Bearer'],
    ['DPoP', 'DPoP'],
  ])('token_type %j is read as %s', async (token_type, expected) => {
    expect((await refreshedBy(json(200, { ...minimal, token_type }))).tokens.tokenType).toBe(expected);
  });

  test.each([
    [3600, 3600],
    ['3600', 3600],
    ['3600.5', 3600],
    [0, null],
    [-1, null],
    ['never', null],
    [null, null],
    [true, null],
    [1e18, 100 * 365 * 86_400],
    [fixedNow.getTime() / 1000 + 60, 60],
    [fixedNow.getTime() + 60_000, 60],
    ['2030-01-01T00:02:00Z', 120],
  ])('expires_in %j is read as %j seconds', async (expires_in, lifetime) => {
    expect((await refreshedBy(json(200, { ...minimal, expires_in }))).lifetimeSeconds).toBe(lifetime);
  });

  test.each([
    [{ expires_at: '2030-01-01T00:05:00Z' }, 300],
    [{ expires_on: String(fixedNow.getTime() / 1000 + 300) }, 300],
    [{ expiry_date: fixedNow.getTime() + 300_000 }, 300],
    [{ expires_at: '2029-01-01T00:00:00Z' }, 0],
    [{ expires_at: 'soon' }, null],
    [{ '.expires': 'Tue, 01 Jan 2030 00:05:00 GMT' }, 300],
    [{ expires: '2030-01-01 00:05:00' }, 300],
    [{ expires: 300 }, 300],
    [{ expiresAt: fixedNow.getTime() + 300_000 }, 300],
    [{ expiresIn: '5 minutes' }, 300],
    [{ expires_in: 'soon', expires_at: '2030-01-01T00:05:00Z' }, 300],
    [{ expires_in: 0, expires: 300 }, 300],
    [{ expires_in: 1_209_600_000 }, 1_209_600_000],
    [{ ext_expires_in: 300, not_before: 300, issued_at: 300 }, null],
  ])('the absolute expiry %j is read as %j seconds', async (members, lifetime) => {
    expect((await refreshedBy(json(200, { ...minimal, ...members }))).lifetimeSeconds).toBe(lifetime);
  });

  test.each([
    ['a b', ['a', 'b']],
    ['a,b,a', ['a', 'b']],
    [
      ['a', 'b', 7, 'bad scope'],
      ['a', 'b'],
    ],
    ['', null],
    [null, null],
    [{ a: 1 }, null],
  ])('scope %j is read as %j', async (scope, scopes) => {
    expect((await refreshedBy(json(200, { ...minimal, scope }))).scopes).toEqual(scopes);
  });

  test.each([';', '+', ', '])('scopes are separated as the template says: %j', async (scopeSeparator) => {
    const scope = ['a', 'https://b', 'c'].join(scopeSeparator);
    const response = await refreshedBy(json(200, { ...minimal, scope }), { template: { scopeSeparator } });
    expect(response.scopes).toEqual(['a', 'https://b', 'c']);
  });

  test.each([[null], [''], [undefined]])('refresh_token %j is read as no refresh token', async (refresh_token) => {
    expect((await refreshedBy(json(200, { ...minimal, refresh_token }))).refresh).toBeNull();
  });

  test('status 201, a byte order mark and an unexpected id_token are accepted', async () => {
    expect((await refreshedBy(json(201, minimal))).access).toBe('new');
    expect((await refreshedBy(text(200, `\uFEFF${JSON.stringify(minimal)}`))).access).toBe('new');
    expect((await refreshedBy(json(200, { ...minimal, id_token: 'not a jwt' }))).access).toBe('new');
  });

  test.each(['application/x-www-form-urlencoded', 'text/plain', 'text/html'])(
    'a form-encoded body with content type %s is accepted',
    async (label) => {
      const body = 'access_token=n%2Bew&expires_in=60&refresh_token=r&scope=a%20b';
      const response = await refreshedBy(text(200, body, { 'content-type': label }));
      expect(response).toMatchObject({ access: 'n+ew', refresh: 'r', lifetimeSeconds: 60, scopes: ['a', 'b'] });
    },
  );
});

describe('an id_token beside the tokens', () => {
  const claims = { iss: 'https://issuer.example', aud: 'client', sub: 'person', iat: 1, exp: 2 };
  const jwt = (header: object, payload: object, signature = 'c2ln') =>
    [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.') +
    `.${signature}`;
  const knowsIssuer = { template: { issuer: 'https://issuer.example' } };

  test.each<[string, unknown]>([
    ['that expired in 1970', jwt({ alg: 'RS256' }, claims)],
    ['for another client', jwt({ alg: 'RS256' }, { ...claims, aud: 'another client' })],
    ['of another issuer', jwt({ alg: 'RS256' }, { ...claims, iss: 'https://evil.example' })],
    ['with the algorithm none', jwt({ alg: 'none' }, claims, '')],
    ['with an unknown algorithm', jwt({ alg: 'XX999' }, claims)],
    ['without claims', jwt({}, {})],
    ['that is encrypted', 'a.b.c.d.e'],
    ['that is no JWT', 'garbage'],
    ['that is no text', { a: 1 }],
    ['that is empty', ''],
    ['that is null', null],
  ])('an id_token %s refuses no token', async (_, id_token) => {
    for (const scopes of [[], ['openid']]) {
      const response = await refreshedBy(json(200, { ...minimal, refresh_token: 'r', id_token }), knowsIssuer, scopes);
      expect(response).toMatchObject({ access: 'new', refresh: 'r' });
      const exchanged = await open?.gateway.exchangeCode(open.client, exchange({ code: 'c' }, scopes));
      expect(exchanged?.tokens.accessToken.reveal()).toBe('new');
    }
  });

  test('its claims are account facts only if the template asks for them', async () => {
    const reply = json(200, { ...minimal, id_token: jwt({ alg: 'none' }, { ...claims, name: 'Ada' }, '') });
    const asks = { template: { response: { accountId: 'id_token.sub', accountName: 'id_token.name' } } };
    expect((await refreshedBy(reply, asks)).account).toEqual({ id: 'person', name: 'Ada' });
    expect((await refreshedBy(reply)).account).toBeNull();
    expect((await refreshedBy(json(200, { ...minimal, id_token: 'garbage' }), asks)).account).toBeNull();
  });
});

describe('lifetimes', () => {
  const jwt = (exp: unknown) => `e30.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.sig`;
  const expiry = (members: object) => ({ template: { expiry: members } });

  test('the lifetime in the response precedes the template, and the template precedes exp of the token', async () => {
    const access_token = jwt(fixedNow.getTime() / 1000 + 900);
    expect(
      (await refreshedBy(json(200, { access_token, expires_in: 60 }), expiry({ defaultLifetimeSeconds: 120 })))
        .lifetimeSeconds,
    ).toBe(60);
    expect(
      (await refreshedBy(json(200, { access_token }), expiry({ defaultLifetimeSeconds: 120 }))).lifetimeSeconds,
    ).toBe(120);
    expect((await refreshedBy(json(200, { access_token }))).lifetimeSeconds).toBe(900);
  });

  test.each(['a.b.c', 'a.b', `e30.${Buffer.from('null').toString('base64url')}.x`, jwt('soon'), jwt(5)])(
    'a token that only resembles a JWT has an unknown lifetime: %s',
    async (access_token) => {
      expect((await refreshedBy(json(200, { access_token }))).lifetimeSeconds).toBeNull();
    },
  );

  test('the template can declare lifetimes in milliseconds, or a member with the absolute expiry', async () => {
    expect(
      (await refreshedBy(json(200, { ...minimal, expires_in: 60_000 }), expiry({ unit: 'milliseconds' })))
        .lifetimeSeconds,
    ).toBe(60);
    const reply = json(200, { ...minimal, session: { until: '2030-01-01T01:00:00Z' }, expires_in: 5 });
    expect((await refreshedBy(reply, expiry({ absolute: 'session.until' }))).lifetimeSeconds).toBe(3600);
  });

  test('a lifetime beyond a year yields to an earlier exp of the token', async () => {
    const access_token = jwt(fixedNow.getTime() / 1000 + 900);
    for (const expires_in of [1_209_600_000, 400 * 86_400, '500 days'])
      expect((await refreshedBy(json(200, { access_token, expires_in }))).lifetimeSeconds).toBe(900);
    expect((await refreshedBy(json(200, { access_token, expires_in: 360 * 86_400 }))).lifetimeSeconds).toBe(
      360 * 86_400,
    );
    expect((await refreshedBy(json(200, { access_token: jwt(9), expires_in: 400 * 86_400 }))).lifetimeSeconds).toBe(
      400 * 86_400,
    );
  });

  test('an absolute expiry counts from the clock of the provider', async () => {
    const twoMinutesAhead = { date: 'Tue, 01 Jan 2030 00:02:00 GMT' };
    const stated: object[] = [
      { expires_at: '2030-01-01T00:12:00Z' },
      { '.expires': 'Tue, 01 Jan 2030 00:12:00 GMT' },
      { expires: fixedNow.getTime() / 1000 + 720 },
      { access_token: jwt(fixedNow.getTime() / 1000 + 720) },
    ];
    for (const members of stated)
      expect((await refreshedBy(json(200, { ...minimal, ...members }, twoMinutesAhead))).lifetimeSeconds).toBe(600);
    const relative = json(200, { ...minimal, expires_in: 720 }, twoMinutesAhead);
    expect((await refreshedBy(relative)).lifetimeSeconds).toBe(720);
  });

  test.each([
    { refresh_token_expires_in: 90 },
    { refresh_expires_in: '90' },
    { x_refresh_token_expires_in: '90 seconds' },
    { refreshTokenExpiresIn: 90 },
    { refreshExpiresIn: 90 },
    { refresh_token_expires_at: fixedNow.getTime() / 1000 + 90 },
    { refresh_token_expires_at: '2030-01-01T00:01:30Z' },
    { refreshTokenExpiresAt: fixedNow.getTime() + 90_000 },
    { refresh_expires_at: '2030-01-01 00:01:30' },
    { refresh_token_expires: 'Tue, 01 Jan 2030 00:01:30 GMT' },
    { refresh_token_expiry: 90 },
  ])('%j sets the expiry of the refresh token alone', async (members) => {
    const response = await refreshedBy(json(200, { ...minimal, ...members, refresh_token: 'r' }));
    expect(response).toMatchObject({ refreshLifetimeSeconds: 90, lifetimeSeconds: null });
  });

  test('the lifetime of a refresh token comes from the response, or from the template if one was issued', async () => {
    const template = { template: { refreshToken: { lifetimeDays: 2 } } };
    expect(
      (await refreshedBy(json(200, { ...minimal, refresh_token_expires_in: '90' }), template)).refreshLifetimeSeconds,
    ).toBe(90);
    expect((await refreshedBy(json(200, { ...minimal, refresh_token: 'r' }), template)).refreshLifetimeSeconds).toBe(
      172_800,
    );
    expect((await refreshedBy(json(200, minimal), template)).refreshLifetimeSeconds).toBeNull();
  });
});

describe('captured values', () => {
  test('the template maps members and captures extra values and the account', async () => {
    const template = {
      response: {
        success: { path: 'ok', equals: true },
        map: { access_token: 'access_token|user.access_token', refresh_token: 'user.refresh_token' },
        extra: { instance_url: 'instance_url', team: 'team.id', list: 'list', bad: 'bad' },
        accountId: 'team.id',
        accountName: 'team.name',
      },
    };
    const reply = json(200, {
      ok: true,
      user: { access_token: 'ua', refresh_token: 'ur' },
      instance_url: 'https://x.example',
      team: { id: 7, name: 'Seven' },
      list: ['a'],
      bad: 'a\r\nb',
    });
    expect(await refreshedBy(reply, { template })).toMatchObject({
      access: 'ua',
      refresh: 'ur',
      tokens: { extra: { instance_url: 'https://x.example', team: 7 } },
      account: { id: '7', name: 'Seven' },
    });
    expect((await refreshedBy(reply, { template })).tokens.extra).not.toHaveProperty('bad');
  });

  test('the template captures parameters of the callback', async () => {
    open = await startGateway({
      template: { response: { callbackExtra: { realmId: 'realmId' }, accountId: 'realmId' } },
    });
    open.provider.script('/token', json(200, minimal));
    const response = await open.gateway.exchangeCode(open.client, exchange({ code: 'c', realmId: '123' }));
    expect(response).toMatchObject({ tokens: { extra: { realmId: '123' } }, account: { id: '123', name: null } });
  });

  test('members of Object.prototype are not captured', async () => {
    const template = { response: { extra: { a: 'constructor.name', b: '__proto__.x' } } };
    expect(
      (await refreshedBy(text(200, '{"access_token":"new","__proto__":{"y":1}}'), { template })).tokens.extra,
    ).toEqual({});
  });
});
