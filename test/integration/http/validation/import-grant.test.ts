import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ImportedTokens } from '../../../../src/broker/grants/store-imported.ts';
import { createHttpFixture, grantView, type HttpFixture, now } from '../../../support/http/server-fixture.ts';
import { faultPaths } from './fault-paths.ts';

let fixture: HttpFixture;
const imported: ImportedTokens[] = [];

beforeAll(async () => {
  fixture = await createHttpFixture({
    importGrant: async (_actor, _name, tokens) => {
      imported.push(tokens);
      return grantView();
    },
  });
});
afterAll(() => fixture.app.close());

const url = '/connections/crm/grants';
const inAYear = '2031-01-01T00:00:00Z';

test('the expiry of an imported token is an instant, or seconds from now', async () => {
  await fixture.call({ method: 'POST', url, payload: { access_token: 'a', expires_in: 60 } });
  expect(imported.at(-1)?.expiresAt).toEqual(new Date(now.getTime() + 60_000));
  const payload = { access_token: 'a', expires_at: '2031-01-01T00:00:00+02:00' };
  await fixture.call({ method: 'POST', url, payload });
  expect(imported.at(-1)?.expiresAt).toEqual(new Date('2030-12-31T22:00:00Z'));
});

test('a raw token response arrives as text, an object as the JSON of its members', async () => {
  const received_at = '2025-12-31T23:00:00Z';
  for (const [token_response, body] of [
    [{ access_token: 'a', nested: { x: [1] } }, '{"access_token":"a","nested":{"x":[1]}}'],
    [' {"access_token": "a"}', ' {"access_token": "a"}'],
    ['access_token=a&scope=b', 'access_token=a&scope=b'],
  ] as const) {
    const payload = { token_response, received_at, verify: true, scope: 'x y', extra: { realmId: '7' } };
    await fixture.call({ method: 'POST', url, payload });
    const { tokenResponse, ...rest } = imported.at(-1) ?? {};
    expect(tokenResponse?.body.reveal()).toBe(body);
    expect(tokenResponse?.receivedAt).toEqual(new Date(received_at));
    expect(rest).toMatchObject({ accessToken: null, scopes: ['x', 'y'], extra: { realmId: '7' }, verify: true });
  }
});

test.each<[object, string[]]>([
  [{}, ['access_token']],
  [{ access_token: 'a', expires_in: 1, expires_at: '2031-01-01T00:00:00Z' }, ['expires_in']],
  [{ access_token: 'a\r\nb' }, ['access_token']],
  [{ access_token: 'a', subject: '' }, ['subject']],
  [{ access_token: 'a', expires_in: -1 }, ['expires_in']],
  [{ access_token: 'a', expires_at: 'tomorrow' }, ['expires_at']],
  [{ access_token: 'a', expires_at: '0000-01-01T00:00:00Z' }, ['expires_at']],
  [{ access_token: 'x'.repeat(65_537) }, ['access_token']],
  [{ access_token: 'a', extra: { x: 'x'.repeat(20_000) } }, ['extra']],
  [{ access_token: 'a', id_token: 'x' }, ['id_token']],
  [{ access_token: 'a', verify: 'yes' }, ['verify']],
  [{ access_token: 'a', received_at: '2026-01-01T00:00:00Z' }, ['received_at']],
  [{ access_token: 'a', scopes: ['a'], scope: 'a' }, ['scope']],
  [{ token_response: {}, access_token: 'a' }, ['access_token']],
  [
    { token_response: 'access_token=a', expires_in: 5, refresh_token: 'r', token_type: 'Bearer', expires_at: inAYear },
    ['expires_at', 'expires_in', 'refresh_token', 'token_type'],
  ],
  [{ token_response: '' }, ['token_response']],
  [{ token_response: 7 }, ['token_response']],
  [{ token_response: ['access_token'] }, ['token_response']],
  [{ token_response: { a: Array.from({ length: 5001 }, () => 1) } }, ['token_response']],
  [{ token_response: {}, received_at: 'yesterday' }, ['received_at']],
])('an import of %j is refused with faults at %j', async (payload, paths) => {
  expect(await faultPaths(fixture, { method: 'POST', url, payload })).toEqual(paths);
});

test.each(['extra', 'token_response'])(
  '100,000 nested brackets in %s are refused without a stack overflow',
  async (name) => {
    const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const payload = `{${name === 'extra' ? '"access_token":"a",' : ''}"${name}":{"x":${nested}}}`;
    const headers = { 'content-type': 'application/json' };
    expect(await faultPaths(fixture, { method: 'POST', url, payload, headers })).toEqual([name]);
  },
);
