import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReceivedTokens } from '../../../../src/domain/ports/oauth.ts';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';
import { resolveProvider } from '../../../../src/oauth/providers/resolve-provider.ts';
import { readReceivedResponse } from '../../../../src/oauth/responses/read-received-response.ts';
import { someSettings } from '../../../support/builders/connection.ts';
import { exchange, fixedNow, type GatewayFixture, startGateway } from '../../../support/provider/gateway-fixture.ts';
import { text } from '../../../support/provider/hostile-provider.ts';

const catalogue = createCatalogue();
const now = new Date('2030-06-01T00:00:00Z');
const hour = 3_600_000;
const at = (ms: number) => new Date(now.getTime() + ms);

function receive(body: unknown, options: { provider?: string; receivedAt?: Date; captured?: object } = {}) {
  const { provider = 'generic', receivedAt = null, captured = {} } = options;
  const settings = someSettings({ provider });
  const received = { body: typeof body === 'string' ? body : JSON.stringify(body), receivedAt };
  return readReceivedResponse(resolveProvider(catalogue, settings), { ...received, captured: { ...captured } }, now);
}

/** Token set of a response that must be readable, with its tokens revealed. */
function tokensOf(read: ReceivedTokens) {
  if (read.kind === 'unreadable') throw new Error(read.reason);
  const { tokens, ...response } = read.response;
  return {
    ...response,
    access: tokens.accessToken?.reveal() ?? null,
    refresh: tokens.refreshToken?.reveal() ?? null,
    type: tokens.tokenType,
    extra: tokens.extra,
    expiresAt: read.expiresAt,
    refreshExpiresAt: read.refreshExpiresAt,
  };
}

describe('a received response and the same response of the provider', () => {
  let open: GatewayFixture;
  const template = {
    scopeSeparator: ',',
    response: {
      map: { access_token: 'access_token|user.token', expires_in: 'expires_in|ttl' },
      extra: { team: 'team.id', second_token: 'user.token' },
      accountId: 'team.id',
    },
    expiry: { defaultLifetimeSeconds: 7200 },
    refreshToken: { lifetimeDays: 10 },
  };
  beforeAll(async () => {
    open = await startGateway({ template, timing: { retries: 0 } });
  });
  afterAll(() => open.close());

  const value = fc.oneof(
    fc.constantFrom<unknown>(60, '600 seconds', 'a,b', 'new', '2030-01-02T00:00:00Z', null, {}),
    fc.jsonValue({ maxDepth: 1 }),
  );
  const members = fc.record(
    {
      access_token: fc.oneof(fc.constant('new'), value),
      refresh_token: fc.constantFrom<unknown>('rotated', null, '', 'null', undefined),
      user: fc.record({ token: value }, { requiredKeys: [] }),
      token_type: value,
      expires_in: value,
      expires_at: value,
      ttl: value,
      scope: value,
      team: fc.constantFrom<unknown>({ id: 7 }, { id: 'seven' }, null),
    },
    { requiredKeys: [] },
  );

  test('are read alike: tokens, lifetimes, scopes, captured values and account', async () => {
    await fc.assert(
      fc.asyncProperty(members, async (response) => {
        const body = JSON.stringify(response);
        open.provider.script('/token', text(200, body));
        const exchanged = await open.gateway.exchangeCode(open.client, exchange()).catch(() => null);
        const received = open.gateway.readReceived(open.settings, { body, receivedAt: fixedNow, captured: {} });
        if (exchanged === null) {
          // An import also keeps a refresh token that came alone.
          expect(received.kind === 'unreadable' || received.response.tokens.accessToken === null).toBe(true);
          return;
        }
        expect(received).toMatchObject({ kind: 'read', response: exchanged });
      }),
      { numRuns: 300 },
    );
  });
});

describe('lifetimes', () => {
  const receivedAt = at(-10 * hour);
  test.each<[string, object, Date | null]>([
    ['a lifetime', { expires_in: 3600 }, at(-9 * hour)],
    ['a lifetime that has not passed', { expires_in: '12 hours' }, at(2 * hour)],
    ['an instant', { expires_at: at(hour).toISOString() }, at(hour)],
    ['an instant before the receipt', { expires_at: at(-11 * hour).toISOString() }, receivedAt],
    ['seconds since the epoch', { expires_at: at(hour).getTime() / 1000 }, at(hour)],
    ['nothing', {}, null],
  ])('%s counts from the time of receipt', (_case, members, expected) => {
    expect(tokensOf(receive({ access_token: 'a', ...members }, { receivedAt })).expiresAt).toEqual(expected);
  });

  test.each<[string, object, Date | null]>([
    ['a lifetime', { expires_in: 3600 }, at(hour)],
    ['an instant ahead', { expires_at: at(hour).toISOString() }, at(hour)],
    ['an instant of last year', { expires_at: at(-365 * 24 * hour).getTime() / 1000 }, now],
    ['an instant of last year, with a lifetime', { expires_in: 3600, expires_at: at(-9000 * hour).getTime() }, now],
    ['a date of last year', { '.expires': 'Tue, 01 May 2029 00:00:00 GMT' }, now],
    ['a JWT that has expired', { access_token: `a.${btoa('{"exp":1700000000}')}.c`, expires_in: 3600 }, now],
    ['a placeholder', { expires_at: '0001-01-01T00:00:00Z', expires_in: 3600 }, at(hour)],
    ['a number of seconds', { expires: 3600 }, at(hour)],
    ['nothing', {}, null],
  ])(
    'without a time of receipt, %s counts from now, and an instant that has passed means expired',
    (_case, members, expected) => {
      expect(tokensOf(receive({ access_token: 'a', ...members })).expiresAt).toEqual(expected);
    },
  );

  test('the lifetime of the refresh token counts from the receipt, stated or by the template', () => {
    const tokens = { access_token: 'a', refresh_token: 'r' };
    const stated = { ...tokens, x_refresh_token_expires_in: 86_400 };
    const options = { provider: 'quickbooks', receivedAt };
    expect(tokensOf(receive(stated, options)).refreshExpiresAt).toEqual(at(14 * hour));
    expect(tokensOf(receive(tokens, options)).refreshExpiresAt).toEqual(at((100 * 24 - 10) * hour));
  });
});

describe('templates and encodings', () => {
  test('Slack: second token, team, scopes separated by commas', () => {
    const body = {
      ok: true,
      access_token: 'bot',
      refresh_token: 'r',
      scope: 'chat:write,users:read',
      team: { id: 'T1', name: 'Team' },
      authed_user: { id: 'U1', access_token: 'person' },
    };
    expect(tokensOf(receive(body, { provider: 'slack' }))).toMatchObject({
      access: 'bot',
      refresh: 'r',
      scopes: ['chat:write', 'users:read'],
      extra: { team_id: 'T1', user_access_token: 'person' },
      account: { id: 'T1', name: 'Team' },
    });
  });

  test('QuickBooks: the account comes from a value beside the response', () => {
    const read = receive(
      { access_token: 'a', refresh_token: 'r' },
      { provider: 'quickbooks', captured: { realmId: '9' } },
    );
    expect(tokensOf(read)).toMatchObject({ extra: { realmId: '9' }, account: { id: '9', isFromCallback: true } });
  });

  test('a form, a byte order mark, another spelling and a wrapper are read', () => {
    const expected = { access: 'a', refresh: 'r' };
    expect(tokensOf(receive('access_token=a&refresh_token=r&expires_in=60'))).toMatchObject(expected);
    expect(tokensOf(receive('\uFEFF {"access_token":"a","refresh_token":"r"}'))).toMatchObject(expected);
    expect(tokensOf(receive({ data: { accessToken: 'a', refreshToken: 'r' } }))).toMatchObject(expected);
    expect(tokensOf(receive({ refresh_token: 'r' }))).toMatchObject({ access: null, refresh: 'r' });
  });

  test.each<[unknown, RegExp, string?]>([
    ['no token response', /^It is neither a JSON object nor form-encoded text\.$/],
    ['[]', /neither a JSON object/],
    ['null', /neither a JSON object/],
    [{}, /^It has no access token and no refresh token \(access_token, refresh_token\)\.$/],
    [{ expires_in: 60, id_token: 'secret-value' }, /no access token and no refresh token/],
    [{ ok: true }, /\(access_token\|authed_user\.access_token, refresh_token\|authed_user\.refresh_token\)/, 'slack'],
    [{ access_token: null, refresh_token: 'null' }, /no access token and no refresh token/],
    [{ access_token: 'secret-value\r\nx' }, /^Its access_token cannot be used/],
    [{ access_token: 'a', refresh_token: 'secret-value\u00e9' }, /^Its refresh_token cannot be used/],
    [{ access_token: 'a', refresh_token: { secret: 'secret-value' } }, /^Its refresh_token cannot be used/],
    [{ access_token: 'secret-value'.repeat(10_000) }, /^Its access_token cannot be used/],
    [
      { error: 'invalid_grant', error_description: 'secret-value' },
      /^It is an error response of the provider: invalid_grant\.$/,
    ],
    [
      { ok: false, error: 'token_revoked', access_token: 'secret-value' },
      /error response of the provider: token_revoked/,
      'slack',
    ],
    ['error=invalid_client', /invalid_client/],
  ])('%j is refused with the reason %s', (body, reason, provider = 'generic') => {
    const read = receive(body, { provider });
    expect(read).toEqual({ kind: 'unreadable', reason: expect.stringMatching(reason) });
    expect(JSON.stringify(read)).not.toContain('secret-value');
  });

  test('no text whatever makes the reader throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        expect(['read', 'unreadable']).toContain(receive(body, { provider: 'slack' }).kind);
      }),
      { numRuns: 1000 },
    );
  });
});
