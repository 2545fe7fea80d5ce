import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import type { TokenAuthMethod } from '../../../../src/domain/connections/connection.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import { secretFaults } from '../../../../src/oauth/client-auth/secret-faults.ts';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';
import { certify } from '../../../support/oauth-server/certificates.ts';
import {
  failureOf,
  fixedNow,
  type GatewayFixture,
  type GatewayFixtureOptions,
  held,
  plainSettings,
  startGateway,
} from '../../../support/provider/gateway-fixture.ts';
import { json, text } from '../../../support/provider/hostile-provider.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey;
const x25519 = generateKeyPairSync('x25519').privateKey;
const authority = certify('authority', { isAuthority: true });
const certified = certify('client', { issuer: authority });

const pem = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const sec1 = (key: KeyObject) => key.export({ type: 'sec1', format: 'pem' }).toString();
const pkcs1 = (key: KeyObject) => key.export({ type: 'pkcs1', format: 'pem' }).toString();
const jwk = (key: KeyObject, members: object = {}) => JSON.stringify({ ...key.export({ format: 'jwk' }), ...members });
const publicPem = (key: KeyObject) => createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
const locked = rsa.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame' }).toString();

describe('checks of a client secret', () => {
  const faults = (tokenAuthMethod: TokenAuthMethod, secret: string) =>
    secretFaults(
      createCatalogue(),
      { ...plainSettings, provider: 'generic', tokenAuthMethod },
      new Secret(secret),
      fixedNow,
    );

  test.each([
    ['an RSA key', pem(rsa)],
    ['an EC key', pem(p256)],
    ['an Ed25519 key', pem(ed25519)],
    ['the older RSA form', pkcs1(rsa)],
    ['the older EC form', sec1(p384)],
    ['a key with its certificate', certified.cert + certified.key],
    ['Windows line ends', pem(p256).replaceAll('\n', '\r\n')],
    ['a JSON Web Key', jwk(p256, { kid: 'k', alg: 'ES256', use: 'sig' })],
    ['an RSA JSON Web Key for PS256', jwk(rsa, { alg: 'PS256' })],
  ])('private_key_jwt accepts %s', (_, secret) => {
    expect(faults('private_key_jwt', secret)).toEqual([]);
  });

  test.each([
    ['a password', 'hunter2-canary', 'no private key'],
    ['a public key', publicPem(rsa), 'no private key'],
    ['a certificate alone', certified.cert, 'no private key'],
    ['a public JSON Web Key', JSON.stringify(createPublicKey(p256).export({ format: 'jwk' })), 'private key'],
    ['a symmetric JSON Web Key', JSON.stringify({ kty: 'oct', k: 'Y2FuYXJ5LWNhbmFyeQ' }), 'asymmetric'],
    ['a set of keys', JSON.stringify({ keys: [p256.export({ format: 'jwk' })] }), 'kty'],
    ['broken JSON', `{${jwk(p256)}`, 'JSON Web Key'],
    ['a mangled JSON Web Key', jwk(p256, { x: 'canary' }), 'cannot be read'],
    ['an algorithm of another kind of key', jwk(p256, { alg: 'RS256' }), 'ES256'],
    ['a symmetric algorithm', jwk(rsa, { alg: 'HS256' }), 'RS256'],
    ['no algorithm at all', jwk(rsa, { alg: 'none' }), 'RS256'],
    ['an algorithm by a name of the prototype', jwk(rsa, { alg: 'constructor' }), 'RS256'],
    ['a key for encryption', jwk(rsa, { use: 'enc' }), 'signatures'],
    ['a short RSA key', pem(weakRsa), '2048'],
    ['an unsupported curve', pem(secp256k1), 'P-256'],
    ['a key that cannot sign', pem(x25519), 'P-256'],
    ['a key behind a passphrase', locked, 'passphrase'],
    ['two keys', pem(rsa) + pem(p256), 'more than one'],
    ['a mangled key', pem(rsa).replace(/\n[A-Za-z0-9+/]{64}\n/, '\ncanary\n'), 'cannot be read'],
    ['a key of another certificate', certified.cert + pem(p256), 'none of the certificates'],
  ])('private_key_jwt refuses %s without quoting it', (_, secret, reason) => {
    const [fault, ...more] = faults('private_key_jwt', secret);
    expect(more).toEqual([]);
    expect(fault).toEqual({ path: 'client_secret', message: expect.stringContaining(reason) });
    const words = secret.match(/[A-Za-z0-9+/_-]{12,}/g) ?? [];
    expect(words.filter((word) => fault?.message.includes(word))).toEqual([]);
  });

  describe.each(['tls_client_auth', 'self_signed_tls_client_auth'] as const)('%s', (method) => {
    test.each([
      ['the key last', certified.cert + certified.key],
      ['the key first', certified.key + certified.cert],
      ['intermediates, in any order', authority.cert + certified.key + certified.cert],
    ])(`${method} accepts a certificate with %s`, (_, secret) => {
      expect(faults(method, secret)).toEqual([]);
    });

    test.each([
      ['a password', 'hunter2-canary', 'no private key'],
      ['a key alone', certified.key, 'no certificate'],
      ['a certificate alone', certified.cert, 'no private key'],
      ['a key of another certificate', authority.key + certified.cert, 'none of the certificates'],
      ['a JSON Web Key', jwk(p256), 'no private key'],
      ['a mangled certificate', certified.cert.replace(/\n.{20}/, '\ncanary') + certified.key, 'cannot be read'],
    ])(`${method} refuses %s`, (_, secret, reason) => {
      expect(faults(method, secret)).toEqual([{ path: 'client_secret', message: expect.stringContaining(reason) }]);
    });

    test(`${method} refuses an expired certificate`, () => {
      const { cert, key } = certify('old', { validTo: new Date('2029-12-31T23:59:59Z') });
      expect(faults(method, cert + key)).toMatchObject([{ message: expect.stringContaining('2029-12-31') }]);
    });
  });

  test('methods without a key accept any text as client secret', () => {
    expect(faults('client_secret_basic', 'hunter2')).toEqual([]);
    expect(faults('client_secret_post', pem(rsa))).toEqual([]);
  });
});

let open: GatewayFixture | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const granted = json(200, { access_token: 'new-access', token_type: 'Bearer', expires_in: 3600 });

async function signing(secret: string, options: GatewayFixtureOptions = {}): Promise<GatewayFixture> {
  open = await startGateway({
    secrets: [secret],
    ...options,
    settings: { tokenAuthMethod: 'private_key_jwt', ...options.settings },
  });
  open.provider.script('/token', granted);
  return open;
}

describe('a client assertion', () => {
  test.each([
    ['RSA', pem(rsa), rsa, { alg: 'RS256' }],
    ['P-256', pem(p256), p256, { alg: 'ES256' }],
    ['P-384', pem(p384), p384, { alg: 'ES384' }],
    ['Ed25519', pem(ed25519), ed25519, { alg: 'EdDSA' }],
    ['a JSON Web Key', jwk(rsa, { kid: 'k-1', alg: 'PS384' }), rsa, { alg: 'PS384', kid: 'k-1' }],
    ['Ed25519 by its newer name', jwk(ed25519, { alg: 'Ed25519' }), ed25519, { alg: 'Ed25519' }],
  ])('a client assertion is signed with %s and is the only client authentication', async (_, secret, key, header) => {
    const { gateway, client, provider } = await signing(secret);
    await gateway.refresh(client, held(), []);
    const form = provider.form();
    expect(form.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    expect(form.get('client_id')).toBe('client');
    expect(form.has('client_secret')).toBe(false);
    expect(provider.received[0]?.headers.authorization).toBeUndefined();

    const { payload, protectedHeader } = await jwtVerify(form.get('client_assertion') ?? '', createPublicKey(key), {
      issuer: 'client',
      subject: 'client',
      audience: `${provider.origin}/token`,
    });
    expect(protectedHeader).toEqual(header);
    expect(payload).toMatchObject({ jti: expect.stringMatching(/^.{16,}$/), aud: expect.any(String) });
    expect((payload.exp ?? 0) - Date.now() / 1000).toBeLessThanOrEqual(300);
    expect(payload.exp).toBeGreaterThan(payload.iat ?? Number.POSITIVE_INFINITY);
  });

  test('the header of a client assertion identifies the certificate of the key', async () => {
    const { gateway, client, provider } = await signing(certified.key + certified.cert);
    await gateway.refresh(client, held(), []);
    const thumbprint = createHash('sha256').update(new X509Certificate(certified.cert).raw).digest('base64url');
    expect(decodeProtectedHeader(provider.form().get('client_assertion') ?? '')).toMatchObject({
      alg: 'ES256',
      'x5t#S256': thumbprint,
    });
  });

  test('every request and every retry has a new client assertion', async () => {
    const { gateway, client, provider } = await signing(pem(p256));
    provider.script('/token', text(503, ''), text(429, ''), granted, granted);
    await gateway.refresh(client, held(), []);
    await gateway.requestClientCredentials(client, []);
    const ids = [0, 1, 2, 3].map((index) => decodeJwt(provider.form(index).get('client_assertion') ?? '').jti);
    expect(new Set(ids).size).toBe(4);
  });

  test('the audience of a client assertion is the issuer if the template says so and the issuer is known', async () => {
    const template = { clientAssertionAudience: 'issuer', issuer: 'https://issuer.example' };
    const { gateway, client, provider } = await signing(pem(p256), { template });
    await gateway.refresh(client, held(), []);
    expect(decodeJwt(provider.form().get('client_assertion') ?? '').aud).toBe('https://issuer.example');
  });

  test('the audience is the token URL if the issuer is unknown, also at the revocation endpoint', async () => {
    const { gateway, client, provider } = await signing(pem(p256), { template: { clientAssertionAudience: 'issuer' } });
    provider.script('/revoke', text(200, ''));
    const settings = { ...client.settings, revocationUrl: `${provider.origin}/revoke` };
    expect(await gateway.revoke({ ...client, settings }, held({ refresh: null }))).toBe(true);
    expect(decodeJwt(provider.form().get('client_assertion') ?? '').aud).toBe(`${provider.origin}/token`);
  });

  test('a client assertion is signed with the older key only after the newer one was rejected', async () => {
    const { gateway, client, provider } = await signing(pem(p256), { secrets: [pem(p256), pem(ed25519)] });
    provider.script('/token', json(401, { error: 'invalid_client' }), granted);
    await gateway.refresh(client, held(), []);
    const algorithms = [0, 1].map((at) => decodeProtectedHeader(provider.form(at).get('client_assertion') ?? '').alg);
    expect(algorithms).toEqual(['ES256', 'EdDSA']);
  });
});

test.each([
  ['private_key_jwt', []],
  ['private_key_jwt', ['not a key']],
  ['tls_client_auth', []],
  ['self_signed_tls_client_auth', ['not a key']],
  // The scriptable provider uses plain http, which has no TLS handshake for a certificate.
  ['tls_client_auth', [certified.cert + certified.key]],
] as const)(
  '%s without a usable key (%#) sends nothing, and never acts as a public client',
  async (tokenAuthMethod, secrets) => {
    const { gateway, client, provider } = await signing('', { settings: { tokenAuthMethod }, secrets: [...secrets] });
    expect(await failureOf(gateway.refresh(client, held(), []))).toMatchObject({ class: 'refused', sent: false });
    expect(provider.received).toHaveLength(0);
  },
);
