import { afterEach, describe, expect, test } from 'vitest';
import {
  exchange,
  failureOf,
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

async function refreshBy(reply: Reply, options: GatewayFixtureOptions = {}) {
  await open?.close();
  open = await startGateway({ timing: { retries: 0 }, ...options });
  open.provider.script('/token', reply);
  return open.gateway.refresh(open.client, held(), []);
}

/** Failure of a response that cannot be read: the provider may have granted the request. */
const unreadable = { class: 'transient', sent: true, answered: false, httpStatus: 200 };

test.each([
  ['a line break', { access_token: 'a\r\nx-evil: 1' }],
  ['another control character', { access_token: 'a\u0000b' }],
  ['non-ASCII characters', { access_token: 'tökén' }],
  ['excessive length', { access_token: 'a'.repeat(64 * 1024 + 1) }],
  ['a type other than string', { access_token: 5 }],
  ['no characters', { access_token: '' }],
])('an access token with %s is refused as an unreadable response', async (_, body) => {
  expect(await failureOf(refreshBy(json(200, body)))).toMatchObject(unreadable);
});

test('a refresh without any token is refused as an unreadable response', async () => {
  for (const refresh_token of [undefined, null, '', {}, 'r\n\0', { a: 1 }])
    expect(await failureOf(refreshBy(json(200, { token_type: 'Bearer', refresh_token })))).toMatchObject(unreadable);
});

test.each(['r\u0000', { a: 1 }, ['r'], 5, 'x'.repeat(64 * 1024 + 1)])(
  'a refresh token that cannot be used is left out, and the access token beside it is kept (%#)',
  async (refresh_token) => {
    const { tokens } = await refreshBy(json(200, { access_token: 'new', refresh_token }));
    expect([tokens.accessToken?.reveal(), tokens.refreshToken]).toEqual(['new', null]);
  },
);

describe('a new refresh token is kept whatever is wrong beside it', () => {
  test.each<[string, object]>([
    ['no access token', {}],
    ['an empty access token', { access_token: '' }],
    ['the text null as access token', { access_token: 'null' }],
    ['a header in the access token', { access_token: 'a\r\nx-evil: 1' }],
    ['a list as access token', { access_token: ['a'] }],
    ['an error', { error: 'invalid_grant' }],
    ['an error that says ok: false', { ok: false, error: 'invalid_refresh' }],
  ])('%s', async (_, members) => {
    const { tokens } = await refreshBy(json(200, { ...members, refresh_token: ' rotated\n' }));
    expect([tokens.accessToken, tokens.refreshToken?.reveal()]).toEqual([null, 'rotated']);
  });

  test('ok: false beside both tokens', async () => {
    const { tokens } = await refreshBy(json(200, { ok: false, access_token: 'new', refresh_token: 'rotated' }));
    expect([tokens.accessToken?.reveal(), tokens.refreshToken?.reveal()]).toEqual(['new', 'rotated']);
  });

  test('a success test of the template that fails', async () => {
    const declared = { template: { response: { success: { path: 'code', equals: 0 } } } };
    const { tokens } = await refreshBy(json(200, { code: 1, refresh_token: 'rotated' }), declared);
    expect(tokens.refreshToken?.reveal()).toBe('rotated');
  });

  test('the refresh token that was sent is no new one: an echo stays a refusal', async () => {
    const echo = { refresh_token: 'old-refresh', grant_type: 'refresh_token' };
    expect(await failureOf(refreshBy(json(200, { ...echo, error: 'invalid_grant' })))).toMatchObject({
      class: 'reauthorization',
      answered: true,
    });
    expect(await failureOf(refreshBy(json(200, echo)))).toMatchObject(unreadable);
  });

  test('a status that refuses is no token response', async () => {
    expect(await failureOf(refreshBy(json(400, { error: 'invalid_grant', refresh_token: 'r' })))).toMatchObject({
      class: 'reauthorization',
    });
  });
});

test.each<[string, object]>([
  ['without an access token', { refresh_token: 'r' }],
  ['with a refresh token that cannot be used', { access_token: 'a', refresh_token: 'r\0x' }],
  ['that says ok: false', { ok: false, access_token: 'a', refresh_token: 'r' }],
])('a code exchange and a client_credentials request fail on a response %s', async (_, body) => {
  open = await startGateway({ timing: { retries: 0 } });
  open.provider.script('/token', json(200, body));
  await expect(open.gateway.exchangeCode(open.client, exchange())).rejects.toThrow();
  await expect(open.gateway.requestClientCredentials(open.client, [])).rejects.toThrow();
});

test.each(['<html>error=invalid_grant</html>', '', '[]', '"text"', 'null', '{"access_token":', 'just words'])(
  'an unreadable body counts as a request that may have been granted: %s',
  async (body) => {
    expect(await failureOf(refreshBy(text(200, body)))).toMatchObject(unreadable);
  },
);

test('status 200 with ok:false is a refusal, with or without a success test in the template', async () => {
  const reply = json(200, { ok: false, error: 'invalid_refresh', access_token: 'a' });
  const refusal = { sent: true, answered: true, oauthError: 'invalid_refresh' };
  expect(await failureOf(refreshBy(reply))).toMatchObject({ ...refusal, class: 'unknown' });
  expect(await failureOf(refreshBy(reply, { template: { terminalErrors: ['invalid_refresh'] } }))).toMatchObject({
    ...refusal,
    class: 'reauthorization',
  });
  const declared = { template: { response: { success: { path: 'code', equals: 0 }, error: 'reason.name' } } };
  expect(
    await failureOf(refreshBy(json(200, { code: 1, reason: { name: 'invalid_grant' }, access_token: 'a' }), declared)),
  ).toMatchObject({ class: 'reauthorization' });
});

test('status 200 with an error body in JSON or form encoding is a refusal', async () => {
  expect(await failureOf(refreshBy(json(200, { error: 'invalid_grant' })))).toMatchObject({
    class: 'reauthorization',
    answered: true,
  });
  expect(await failureOf(refreshBy(text(200, 'error=invalid_grant&error_description=x')))).toMatchObject({
    class: 'reauthorization',
    answered: true,
  });
});

test('a failure contains no text of the provider except a short error code and a description without tokens', async () => {
  const failure = await failureOf(
    refreshBy(json(400, { error: 'bad <b>canary</b>', error_description: 'canary', access_token: 'canary' })),
  );
  expect(failure).toMatchObject({ oauthError: null, description: null, class: 'unknown' });
  expect(`${failure.message}${JSON.stringify(failure.error)}${String(failure.error.cause)}`).not.toContain('canary');
  const unusable = await failureOf(refreshBy(json(200, { access_token: 'canary\ncanary' })));
  expect(`${unusable.message}${unusable.error.stack}${String(unusable.error.cause)}`).not.toContain('canary');
});

test('a refresh without a refresh token sends nothing', async () => {
  open = await startGateway();
  expect(await failureOf(open.gateway.refresh(open.client, held({ refresh: null }), []))).toMatchObject({
    class: 'reauthorization',
    sent: false,
  });
  expect(open.provider.received).toHaveLength(0);
});
