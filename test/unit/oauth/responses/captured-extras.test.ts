import { afterEach, describe, expect, test } from 'vitest';
import { openTokens, sealTokens } from '../../../../src/broker/sealing.ts';
import { mergeRefreshed } from '../../../../src/domain/grants/token-set.ts';
import { createMemoryCipher } from '../../../support/memory/cipher.ts';
import { exchange, type GatewayFixture, held, startGateway } from '../../../support/provider/gateway-fixture.ts';
import { json } from '../../../support/provider/hostile-provider.ts';

let open: GatewayFixture | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const kilobyte = 1024;
const template = { response: { extra: { user_token: 'user.token', url: 'url', team: 'team' } } };
const beside = { url: 'https://eu.example', team: 7 };

/** Token response that brings new tokens and a second token. */
const responseWith = (token: unknown) =>
  json(200, { access_token: 'new', refresh_token: 'rotated', expires_in: 60, user: { token }, ...beside });

async function receive(request: 'exchange' | 'refresh', token: unknown) {
  open = await startGateway({ template, timing: { retries: 0 } });
  open.provider.script('/token', responseWith(token));
  const { gateway, client } = open;
  const { tokens } = await (request === 'exchange'
    ? gateway.exchangeCode(client, exchange())
    : gateway.refresh(client, held(), []));
  expect([tokens.accessToken?.reveal(), tokens.refreshToken?.reveal()]).toEqual(['new', 'rotated']);
  return tokens;
}

describe.each(['exchange', 'refresh'] as const)('captured values in the response to a %s', (request) => {
  test.each([1, 16 * kilobyte + 1, 64 * kilobyte])('a second token of %i characters is captured', async (length) => {
    const token = 'x'.repeat(length);
    expect((await receive(request, token)).extra).toEqual({ ...beside, user_token: token });
  });

  test.each<[string, unknown]>([
    ['longer than a token may be', 'x'.repeat(64 * kilobyte + 1)],
    ['far longer', 'x'.repeat(200 * kilobyte)],
    ['with a line break', 'a\r\nb'],
    ['that is a list', Array.from({ length: 5000 }, () => 'x')],
    ['that is an object', { secret: 'x'.repeat(20 * kilobyte) }],
  ])('a value %s is left out whole; tokens and other values are kept', async (_case, token) => {
    expect((await receive(request, token)).extra).toEqual(beside);
  });
});

test('a value that is left out of a refresh keeps its earlier value, and the tokens are sealed and opened whole', async () => {
  const earlier = { ...held(), extra: { user_token: 'earlier', kept: true } };
  const merged = mergeRefreshed(earlier, await receive('refresh', 'x'.repeat(64 * kilobyte + 1)));
  const cipher = createMemoryCipher();
  const at = { id: 'grant', organizationId: 'acme' };
  const opened = openTokens(cipher, at, sealTokens(cipher, at, merged));
  expect(opened.extra).toEqual({ ...beside, user_token: 'earlier', kept: true });
  expect([opened.accessToken.reveal(), opened.refreshToken?.reveal()]).toEqual(['new', 'rotated']);
});
