import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  exchange,
  failureOf,
  type GatewayFixture,
  plainSettings,
  startGateway,
} from '../../../support/provider/gateway-fixture.ts';
import { json } from '../../../support/provider/hostile-provider.ts';

let open: GatewayFixture;
beforeEach(async () => {
  open = await startGateway();
});
afterEach(() => open.close());

const read = (query: string, { gateway, settings } = open) =>
  gateway.readCallback(settings, new URLSearchParams(query), 'st');
const refusal = { facts: expect.objectContaining({ class: 'refused', sent: false, answered: false }) };

test('a callback with the right state is read as a code or as an error', () => {
  expect(read('state=st&code=c')).toEqual({ kind: 'code' });
  expect(read('state=st&error=access_denied&error_description=no')).toEqual({ kind: 'error', error: 'access_denied' });
});

test('an error code of the callback that cannot be shown is replaced', () => {
  expect(read('state=st&error=%3Csvg%20onload%3E')).toEqual({ kind: 'error', error: 'unreadable_error' });
});

test.each([
  ['another state', 'state=other&code=c'],
  ['no state', 'code=c'],
  ['another state on an error', 'state=other&error=access_denied'],
  ['neither code nor error', 'state=st'],
  ['an empty code', 'state=st&code='],
  ['code together with error', 'state=st&code=c&error=access_denied'],
  ['two codes', 'state=st&code=c&code=d'],
  ['two equal states', 'state=st&state=st&code=c'],
  ['two errors', 'state=st&error=a&error=b'],
  ['any repeated parameter', 'state=st&code=c&x=1&x=2'],
  ['a token in the query', 'state=st&code=c&access_token=t'],
  ['an id_token in the query', 'state=st&code=c&id_token=t'],
  ['a signed response', 'state=st&code=c&response=jwt'],
])('a callback with %s is refused', (_, query) => {
  expect(() => read(query)).toThrow(expect.objectContaining(refusal));
});

test('a refused callback never reaches the token endpoint', async () => {
  open.provider.script('/token', json(200, { access_token: 'a' }));
  expect(await failureOf(open.gateway.exchangeCode(open.client, { ...exchange(), state: 'another' }))).toMatchObject({
    class: 'refused',
  });
  expect(await failureOf(open.gateway.exchangeCode(open.client, exchange({ error: 'access_denied' })))).toMatchObject({
    oauthError: 'access_denied',
  });
  expect(open.provider.received).toHaveLength(0);
});

describe('iss', () => {
  const issuer = 'https://issuer.example';

  async function withIssuer(template: Record<string, unknown>) {
    await open.close();
    open = await startGateway({ template });
  }

  test('iss must equal the issuer exactly if the issuer is known', async () => {
    await withIssuer({ issuer });
    expect(read(`state=st&code=c&iss=${issuer}`)).toEqual({ kind: 'code' });
    expect(read('state=st&code=c')).toEqual({ kind: 'code' });
    for (const iss of [`${issuer}/`, 'https://evil.example', 'https://issuer.example:444', 'HTTPS://issuer.example']) {
      expect(() => read(`state=st&code=c&iss=${iss}`)).toThrow(expect.objectContaining(refusal));
    }
  });

  test('a callback without iss is refused if the template requires it, also for errors', async () => {
    await withIssuer({ issuer, issRequired: true });
    expect(() => read('state=st&code=c')).toThrow(expect.objectContaining(refusal));
    expect(() => read('state=st&error=access_denied')).toThrow(expect.objectContaining(refusal));
    expect(read(`state=st&code=c&iss=${issuer}`)).toEqual({ kind: 'code' });
  });

  test('iss of an unknown issuer must have the origin of the authorization URL', () => {
    expect(read(`state=st&code=c&iss=${open.provider.origin}/realm`)).toEqual({ kind: 'code' });
    for (const iss of ['https://evil.example', 'nonsense', `${open.provider.origin}.evil.example`]) {
      expect(() => read(`state=st&code=c&iss=${iss}`)).toThrow(expect.objectContaining(refusal));
    }
  });

  test("the template's issuer does not apply to a connection with its own authorization URL", async () => {
    await withIssuer({ issuer, issRequired: true });
    const settings = { ...plainSettings, authorizationUrl: 'https://own.example/authorize' };
    expect(read('state=st&code=c&iss=https://own.example', { ...open, settings })).toEqual({ kind: 'code' });
  });
});
