import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OAuthClient, OAuthGateway } from '../../../src/domain/ports/oauth.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createOAuthGateway } from '../../../src/oauth/gateway.ts';
import { createCatalogue } from '../../../src/oauth/providers/catalogue.ts';
import { createGuardedHttp, type GuardedHttp } from '../../../src/outbound/guarded-http.ts';
import { type OAuthServer, startOAuthServer } from '../../support/oauth-server/server.ts';
import { failureOf, plainCaller, plainSettings, refreshedTokens } from '../../support/provider/gateway-fixture.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey;
const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const jwk = (key: KeyObject, members: object) => JSON.stringify({ ...key.export({ format: 'jwk' }), ...members });

let server: OAuthServer;
let http: GuardedHttp;
let gateway: OAuthGateway;
beforeAll(async () => {
  server = await startOAuthServer();
  http = createGuardedHttp({ allowPrivateNetwork: true, connectTimeoutMs: 2000 });
  gateway = createOAuthGateway({
    http,
    catalogue: createCatalogue(),
    retries: 0,
    callCapMs: 5000,
    probeTimeoutMs: 5000,
  });
});
afterAll(async () => {
  await http.close();
  await server.stop();
});

async function registered(
  key: KeyObject,
  secrets: string[],
  { kid, alg, variables = {} }: { kid?: string; alg?: string; variables?: Record<string, string> } = {},
): Promise<OAuthClient> {
  const publicKey = { ...createPublicKey(key).export({ format: 'jwk' }), ...(kid && { kid }), use: 'sig' };
  const { clientId } = await server.registerClient({
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [publicKey] } as never,
    ...(alg && { token_endpoint_auth_signing_alg: alg as 'RS256' }),
  });
  const settings = {
    ...plainSettings,
    provider: 'generic',
    clientId,
    variables,
    authorizationUrl: `${server.issuer}/auth`,
    tokenUrl: `${server.issuer}/token`,
    revocationUrl: `${server.issuer}/token/revocation`,
    tokenAuthMethod: 'private_key_jwt' as const,
  };
  return { caller: plainCaller, settings, secrets: secrets.map((secret) => new Secret(secret)) };
}

test.each([
  ['an RSA key', rsa, pem(rsa), { alg: 'RS256' }],
  ['a P-256 key', p256, pem(p256), { alg: 'ES256' }],
  ['an Ed25519 key', ed25519, pem(ed25519), { alg: 'EdDSA' }],
  ['a JSON Web Key', rsa, jwk(rsa, { kid: 'k-1', alg: 'PS256' }), { kid: 'k-1', alg: 'PS256' }],
])('a real server accepts client assertions signed with %s at every endpoint', async (_, key, secret, registration) => {
  const client = await registered(key, [secret], registration);
  expect(gateway.validate(client.settings)).toEqual([]);
  const issued = await server.issueTokens(client.settings.clientId, 'ada');
  const tokens = {
    accessToken: new Secret(issued.accessToken),
    refreshToken: new Secret(issued.refreshToken),
    tokenType: 'Bearer',
    extra: {},
  };
  const fresh = refreshedTokens(await gateway.refresh(client, tokens, []));
  const own = await gateway.requestClientCredentials(client, []);
  expect(await server.accepts(own.tokens.accessToken.reveal())).toBe(true);
  expect(await gateway.revoke(client, fresh)).toBe(true);
  expect(await server.accepts(fresh.accessToken.reveal())).toBe(false);
});

test('a real server accepts the issuer as audience and refuses another issuer', async () => {
  const client = await registered(p256, [pem(p256)], { variables: { issuer: server.issuer } });
  expect((await gateway.requestClientCredentials(client, [])).lifetimeSeconds).toBe(3600);
  const wrong = { ...client, settings: { ...client.settings, variables: { issuer: 'https://other.example' } } };
  expect(await failureOf(gateway.requestClientCredentials(wrong, []))).toMatchObject({ oauthError: 'invalid_client' });
});

test('a wrong key is rejected, and an older key is tried after the rejection', async () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const client = await registered(p256, [pem(other)]);
  expect(await failureOf(gateway.requestClientCredentials(client, []))).toMatchObject({
    class: 'client',
    oauthError: 'invalid_client',
  });
  const rotating = { ...client, secrets: [new Secret(pem(other)), new Secret(pem(p256))] };
  const before = server.tokenRequests.length;
  expect((await gateway.requestClientCredentials(rotating, [])).tokens.accessToken.reveal()).toMatch(/./);
  expect(server.tokenRequests.length).toBe(before + 2);
});
