import { generateKeyPairSync, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TokenAuthMethod } from '../../../../src/domain/connections/connection.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import { secretFaults } from '../../../../src/oauth/client-auth/secret-faults.ts';
import { createCatalogue } from '../../../../src/oauth/providers/catalogue.ts';
import { certify } from '../../../support/oauth-server/certificates.ts';
import { fixedNow, plainSettings } from '../../../support/provider/gateway-fixture.ts';

const catalogue = createCatalogue();
const methods: TokenAuthMethod[] = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'];

function faultOf(tokenAuthMethod: TokenAuthMethod, secret: string): string | undefined {
  const settings = { ...plainSettings, provider: 'generic', tokenAuthMethod };
  return secretFaults(catalogue, settings, new Secret(secret), fixedNow)[0]?.message;
}

/** A number of exactly this many bits. */
function numberOf(bits: number): Buffer {
  const bytes = randomBytes(Math.ceil(bits / 8));
  const top = (bits - 1) % 8;
  bytes[0] = ((bytes[0] ?? 0) & ((1 << top) - 1)) | (1 << top);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) | 1;
  return bytes;
}

/** Numbers of the right lengths, which are no real key: to find primes of this size takes minutes. */
function numbersOf(bits: number, changes: Partial<Record<string, number>> = {}) {
  const half = Math.ceil(bits / 2);
  const lengths = { n: bits, e: 17, d: bits, p: half, q: half, dp: half, dq: half, qi: half, ...changes };
  return Object.entries(lengths).map(([name, length]) => [name, numberOf(length ?? 0)] as const);
}
type Numbers = ReturnType<typeof numbersOf>;

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const long = Buffer.from([0x83, length >> 16, (length >> 8) & 0xff, length & 0xff]);
  return Buffer.concat([Buffer.from([tag]), length < 0x80 ? Buffer.from([length]) : long, content]);
}
const integer = (bytes: Buffer) => der(0x02, Buffer.from([0]), bytes);
const pkcs1Of = (numbers: Numbers) =>
  der(0x30, der(0x02, Buffer.from([0])), ...numbers.map(([, bytes]) => integer(bytes)));
const rsaEncryption = der(0x30, der(0x06, Buffer.from('2a864886f70d010101', 'hex')), der(0x05));
const pem = (label: string, bytes: Buffer) =>
  `-----BEGIN ${label}-----\n${bytes.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`;
const forms = {
  pkcs1: (numbers: Numbers) => pem('RSA PRIVATE KEY', pkcs1Of(numbers)),
  pkcs8: (numbers: Numbers) =>
    pem('PRIVATE KEY', der(0x30, der(0x02, Buffer.from([0])), rsaEncryption, der(0x04, pkcs1Of(numbers)))),
  jwk: (numbers: Numbers) =>
    JSON.stringify({ kty: 'RSA', ...Object.fromEntries(numbers.map(([k, v]) => [k, v.toString('base64url')])) }),
};
const formNames = Object.keys(forms) as (keyof typeof forms)[];

describe('the size of an RSA client key', () => {
  test.each(formNames)('a key of 24,576 bits in %s is refused in milliseconds', (form) => {
    const secret = forms[form](numbersOf(24_576));
    const started = performance.now();
    expect(faultOf('private_key_jwt', secret)).toContain('4096');
    // Without the check the library works for many seconds. The limit leaves room for a busy machine.
    expect(performance.now() - started).toBeLessThan(100);
  });

  test('a key of any size out of bounds is refused by every method that uses a key, in every form', () => {
    const sizes = fc.oneof(fc.integer({ min: 512, max: 2047 }), fc.integer({ min: 4097, max: 30_000 }));
    fc.assert(
      fc.property(sizes, fc.constantFrom(...formNames), fc.constantFrom(...methods), (bits, form, method) => {
        // Mutual TLS takes no JSON Web Key at all.
        const expected = form === 'jwk' && method !== 'private_key_jwt' ? 'PEM' : '2048 bits or more, and at most 4096';
        expect(faultOf(method, forms[form](numbersOf(bits)))).toContain(expected);
      }),
      { numRuns: 60 },
    );
  });

  test.each([
    ['a public exponent', { e: 4096 }],
    ['a private exponent', { d: 20_000 }],
    ['a first prime', { p: 8000 }],
    ['a second prime', { q: 3000, p: 1096 }],
    ['a CRT exponent', { dp: 8000 }],
    ['a missing prime', { p: 1, q: 1 }],
  ])('a key of 4096 bits with %s of the wrong length is refused', (_, changes) => {
    for (const form of formNames)
      expect(faultOf('private_key_jwt', forms[form](numbersOf(4096, changes)))).toBeDefined();
  });

  test.each([2048, 3072, 4096])('a real key of %i bits is accepted in every form', (modulusLength) => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength });
    for (const type of ['pkcs1', 'pkcs8'] as const) {
      expect(faultOf('private_key_jwt', privateKey.export({ type, format: 'pem' }).toString())).toBeUndefined();
    }
    expect(faultOf('private_key_jwt', JSON.stringify(privateKey.export({ format: 'jwk' })))).toBeUndefined();
  });

  test('a certificate with an EC key is accepted for mutual TLS', () => {
    const { cert, key } = certify('client');
    expect(faultOf('tls_client_auth', cert + key)).toBeUndefined();
  });

  test('arbitrary bytes in place of a key are refused and never throw another error', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom('PRIVATE KEY', 'RSA PRIVATE KEY'),
        (bytes, label) => {
          expect(faultOf('private_key_jwt', pem(label, Buffer.from(bytes)))).toBeDefined();
          expect(faultOf('private_key_jwt', pem(label, der(0x30, Buffer.from(bytes))))).toBeDefined();
        },
      ),
    );
  });
});
