import { afterEach, describe, expect, test } from 'vitest';
import {
  exchange,
  failureOf,
  fixedNow,
  type GatewayFixture,
  type GatewayFixtureOptions,
  held,
  startGateway,
} from '../../support/gateway-fixture.ts';
import { json, type Reply, text } from '../../support/hostile-provider.ts';

let open: GatewayFixture | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function refreshedBy(reply: Reply, options: GatewayFixtureOptions = {}, scopes: string[] = []) {
  await open?.close();
  open = await startGateway({ timing: { retries: 0 }, ...options });
  open.provider.script('/token', reply);
  const answer = await open.gateway.refresh(open.client, held(), scopes);
  return {
    ...answer,
    access: answer.tokens.accessToken.reveal(),
    refresh: answer.tokens.refreshToken?.reveal() ?? null,
  };
}

const minimal = { access_token: 'new' };

describe('tolerated without declaring it', () => {
  test.each([
    ['missing', undefined, 'Bearer'],
    ['null', null, 'Bearer'],
    ['odd', 'bot', 'Bearer'],
    ['no string', 7, 'Bearer'],
    ['lower case', 'bearer', 'bearer'],
  ])('token_type %s', async (_, token_type, expected) => {
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
  ])('expires_in %j is %j seconds', async (expires_in, lifetime) => {
    expect((await refreshedBy(json(200, { ...minimal, expires_in }))).lifetimeSeconds).toBe(lifetime);
  });

  test.each([
    [{ expires_at: '2030-01-01T00:05:00Z' }, 300],
    [{ expires_on: String(fixedNow.getTime() / 1000 + 300) }, 300],
    [{ expiry_date: fixedNow.getTime() + 300_000 }, 300],
    [{ expires_at: '2029-01-01T00:00:00Z' }, 0],
    [{ expires_at: 'soon' }, null],
  ])('absolute expiry %j', async (members, lifetime) => {
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
  ])('scope %j', async (scope, scopes) => {
    expect((await refreshedBy(json(200, { ...minimal, scope }))).scopes).toEqual(scopes);
  });

  test.each([[null], [''], [undefined]])('refresh_token %j is none', async (refresh_token) => {
    expect((await refreshedBy(json(200, { ...minimal, refresh_token }))).refresh).toBeNull();
  });

  test('201, a byte order mark, and a stray id_token', async () => {
    expect((await refreshedBy(json(201, minimal))).access).toBe('new');
    expect((await refreshedBy(text(200, `\uFEFF${JSON.stringify(minimal)}`))).access).toBe('new');
    expect((await refreshedBy(json(200, { ...minimal, id_token: 'not a jwt' }))).access).toBe('new');
  });

  test.each(['application/x-www-form-urlencoded', 'text/plain', 'text/html'])(
    'a form-encoded body labelled %s',
    async (label) => {
      const body = 'access_token=n%2Bew&expires_in=60&refresh_token=r&scope=a%20b';
      const answer = await refreshedBy(text(200, body, { 'content-type': label }));
      expect(answer).toMatchObject({ access: 'n+ew', refresh: 'r', lifetimeSeconds: 60, scopes: ['a', 'b'] });
    },
  );
});

describe('an id_token where openid was asked for', () => {
  const claims = {
    iss: 'https://issuer.example',
    aud: 'client',
    sub: 'person',
    iat: Math.floor(Date.now() / 1000),
    exp: Math.floor(Date.now() / 1000) + 600,
  };
  const jwt = (payload: object) =>
    ['{"alg":"RS256"}', JSON.stringify(payload), 'sig']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.');
  const knowsIssuer = { template: { issuer: 'https://issuer.example' } };

  test('is judged by whoever knows the issuer', async () => {
    expect((await refreshedBy(json(200, { ...minimal, id_token: jwt(claims) }), knowsIssuer, ['openid'])).access).toBe(
      'new',
    );
    const foreign = json(200, { ...minimal, id_token: jwt({ ...claims, aud: 'another client' }) });
    expect(await failureOf(refreshedBy(foreign, knowsIssuer, ['openid']))).toMatchObject({
      class: 'transient',
      sent: true,
      answered: false,
    });
  });

  test('is left alone where nobody does', async () => {
    const foreign = json(200, { ...minimal, id_token: jwt({ ...claims, aud: 'another client' }) });
    expect((await refreshedBy(foreign, {}, ['openid'])).access).toBe('new');
  });
});

describe('lifetimes', () => {
  const jwt = (exp: unknown) => `e30.${Buffer.from(JSON.stringify({ exp })).toString('base64url')}.sig`;
  const expiry = (members: object) => ({ template: { expiry: members } });

  test('what the answer says goes before the template, and the template before the token own exp', async () => {
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
    'a token that only looks like a JWT tells nothing: %s',
    async (access_token) => {
      expect((await refreshedBy(json(200, { access_token }))).lifetimeSeconds).toBeNull();
    },
  );

  test('milliseconds, and a declared absolute member', async () => {
    expect(
      (await refreshedBy(json(200, { ...minimal, expires_in: 60_000 }), expiry({ unit: 'milliseconds' })))
        .lifetimeSeconds,
    ).toBe(60);
    const reply = json(200, { ...minimal, session: { until: '2030-01-01T01:00:00Z' }, expires_in: 5 });
    expect((await refreshedBy(reply, expiry({ absolute: 'session.until' }))).lifetimeSeconds).toBe(3600);
  });

  test('of the refresh token: the answer, else the template where one was issued', async () => {
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
  test('mapped members, alternatives, extras, account', async () => {
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

  test('values of the callback query', async () => {
    open = await startGateway({
      template: { response: { callbackExtra: { realmId: 'realmId' }, accountId: 'realmId' } },
    });
    open.provider.script('/token', json(200, minimal));
    const answer = await open.gateway.exchangeCode(open.client, exchange({ code: 'c', realmId: '123' }));
    expect(answer).toMatchObject({ tokens: { extra: { realmId: '123' } }, account: { id: '123', name: null } });
  });

  test('members of the prototype are not values', async () => {
    const template = { response: { extra: { a: 'constructor.name', b: '__proto__.x' } } };
    expect(
      (await refreshedBy(text(200, '{"access_token":"new","__proto__":{"y":1}}'), { template })).tokens.extra,
    ).toEqual({});
  });
});

describe('answers that grant nothing', () => {
  test.each([
    ['a header injection', { access_token: 'a\r\nx-evil: 1' }],
    ['another control character', { access_token: 'a\u0000b' }],
    ['beyond ASCII', { access_token: 'tökén' }],
    ['too long', { access_token: 'a'.repeat(16 * 1024 + 1) }],
    ['no string', { access_token: 5 }],
    ['empty', { access_token: '' }],
    ['missing', { token_type: 'Bearer' }],
    ['a refresh token with a control character', { ...minimal, refresh_token: 'r\n' }],
    ['a refresh token that is no string', { ...minimal, refresh_token: { a: 1 } }],
  ])('token: %s', async (_, body) => {
    expect(await failureOf(refreshedBy(json(200, body)))).toMatchObject({
      class: 'transient',
      sent: true,
      answered: false,
      httpStatus: 200,
    });
  });

  test.each(['<html>error=invalid_grant</html>', '', '[]', '"text"', 'null', '{"access_token":', 'just words'])(
    'a body nobody can read may hide a grant: %s',
    async (body) => {
      expect(await failureOf(refreshedBy(text(200, body)))).toMatchObject({
        class: 'transient',
        sent: true,
        answered: false,
      });
    },
  );

  test('200 with ok:false, with or without a declared success test', async () => {
    const reply = json(200, { ok: false, error: 'invalid_refresh', access_token: 'a' });
    const refusal = { sent: true, answered: true, oauthError: 'invalid_refresh' };
    expect(await failureOf(refreshedBy(reply))).toMatchObject({ ...refusal, class: 'unknown' });
    expect(await failureOf(refreshedBy(reply, { template: { terminalErrors: ['invalid_refresh'] } }))).toMatchObject({
      ...refusal,
      class: 'reauthorization',
    });
    const declared = { template: { response: { success: { path: 'code', equals: 0 }, error: 'reason.name' } } };
    expect(
      await failureOf(
        refreshedBy(json(200, { code: 1, reason: { name: 'invalid_grant' }, access_token: 'a' }), declared),
      ),
    ).toMatchObject({ class: 'reauthorization' });
  });

  test('200 with an error body, as JSON and as a form', async () => {
    expect(await failureOf(refreshedBy(json(200, { error: 'invalid_grant' })))).toMatchObject({
      class: 'reauthorization',
      answered: true,
    });
    expect(await failureOf(refreshedBy(text(200, 'error=invalid_grant&error_description=x')))).toMatchObject({
      class: 'reauthorization',
      answered: true,
    });
  });

  test('nothing the provider wrote gets into the failure but a short plain code', async () => {
    const failure = await failureOf(
      refreshedBy(json(400, { error: 'bad <b>canary</b>', error_description: 'canary', access_token: 'canary' })),
    );
    expect(failure).toMatchObject({ oauthError: null, class: 'transient' });
    expect(`${failure.message}${JSON.stringify(failure.error)}${String(failure.error.cause)}`).not.toContain('canary');
    const unsound = await failureOf(refreshedBy(json(200, { access_token: 'canary\n' })));
    expect(`${unsound.message}${unsound.error.stack}${String(unsound.error.cause)}`).not.toContain('canary');
  });

  test('a refresh without a refresh token never leaves', async () => {
    open = await startGateway();
    expect(await failureOf(open.gateway.refresh(open.client, held({ refresh: null }), []))).toMatchObject({
      class: 'reauthorization',
      sent: false,
    });
    expect(open.provider.received).toHaveLength(0);
  });
});
