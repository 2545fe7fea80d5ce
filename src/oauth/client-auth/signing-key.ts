import { createPrivateKey, type JsonWebKey, type KeyObject, type webcrypto } from 'node:crypto';
import type { Secret } from '../../domain/secret.ts';
import { readPem, UnusableKey } from './pem.ts';
import { rsaSizeFault } from './rsa-numbers.ts';

/** Private key for client assertions (RFC 7523 §2.2), and the header that identifies its public key to the provider. */
export interface SigningKey {
  key: webcrypto.CryptoKey;
  /** Members of the assertion's header (RFC 7515 §4.1). */
  header: { alg: string; kid?: string; x5t?: string; 'x5t#S256'?: string };
}

const rsa = (name: string, bits: number) => ({ name, hash: `SHA-${bits}` });
/** Web Crypto parameters by JWS algorithm name. */
const importParameters: Record<string, { name: string; hash?: string; namedCurve?: string }> = {
  RS256: rsa('RSASSA-PKCS1-v1_5', 256),
  RS384: rsa('RSASSA-PKCS1-v1_5', 384),
  RS512: rsa('RSASSA-PKCS1-v1_5', 512),
  PS256: rsa('RSA-PSS', 256),
  PS384: rsa('RSA-PSS', 384),
  PS512: rsa('RSA-PSS', 512),
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384' },
  ES512: { name: 'ECDSA', namedCurve: 'P-521' },
  EdDSA: { name: 'Ed25519' },
  Ed25519: { name: 'Ed25519' },
};
const algorithmsOfCurve = new Map([
  ['prime256v1', ['ES256']],
  ['secp384r1', ['ES384']],
  ['secp521r1', ['ES512']],
]);

/** Reads a private key in PEM or as a JSON Web Key. Throws UnusableKey, also for a symmetric or public key. */
export function readSigningKey(secret: Secret): SigningKey {
  const text = secret.reveal().trim();
  if (text.startsWith('{')) return fromJwk(text);
  const { key, certificates } = readPem(text);
  const [own] = certificates;
  if (own === undefined) return toSigningKey(key, undefined, {});
  const thumbprint = (fingerprint: string) => Buffer.from(fingerprint.replaceAll(':', ''), 'hex').toString('base64url');
  return toSigningKey(key, undefined, {
    x5t: thumbprint(own.fingerprint),
    'x5t#S256': thumbprint(own.fingerprint256),
  });
}

function fromJwk(text: string): SigningKey {
  const jwk = parseObject(text);
  if (typeof jwk?.kty !== 'string') throw new UnusableKey('It is not a JSON Web Key: it has no kty.');
  if (jwk.kty === 'oct') throw new UnusableKey('It must be an asymmetric key, and this one is symmetric.');
  if (typeof jwk.d !== 'string') throw new UnusableKey('It must be a private key, and this JSON Web Key has no d.');
  if (jwk.use !== undefined && jwk.use !== 'sig')
    throw new UnusableKey('The JSON Web Key is not meant for signatures.');
  const { alg, kid } = jwk;
  if (alg !== undefined && typeof alg !== 'string') throw new UnusableKey('The alg of the JSON Web Key is no text.');
  if (jwk.kty === 'RSA') checkRsaSize(jwk);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' });
  } catch {
    throw new UnusableKey('The JSON Web Key cannot be read.');
  }
  const thumbprints = (['x5t', 'x5t#S256'] as const).flatMap((name) => {
    const value = jwk[name];
    return typeof value === 'string' ? [[name, value]] : [];
  });
  return toSigningKey(key, alg, { ...(typeof kid === 'string' && { kid }), ...Object.fromEntries(thumbprints) });
}

/** Checks the lengths of an RSA key's numbers before the library works with them. */
function checkRsaSize(jwk: Record<string, unknown>): void {
  const number = (name: string) => Buffer.from(typeof jwk[name] === 'string' ? jwk[name] : '', 'base64url');
  const [n, e, d, p, q] = [number('n'), number('e'), number('d'), number('p'), number('q')];
  const fault = rsaSizeFault({ n, e, d, p, q, dp: number('dp'), dq: number('dq'), qi: number('qi') });
  if (fault !== null) throw new UnusableKey(fault);
}

function toSigningKey(
  key: KeyObject,
  requestedAlg: string | undefined,
  header: Omit<SigningKey['header'], 'alg'>,
): SigningKey {
  const possible = algorithmsOf(key);
  const alg = requestedAlg ?? possible[0];
  const algorithm = alg === undefined ? undefined : importParameters[alg];
  if (alg === undefined || algorithm === undefined || !possible.includes(alg)) {
    throw new UnusableKey(
      possible.length === 0
        ? 'It must be an RSA, P-256, P-384, P-521 or Ed25519 key.'
        : `The alg of the JSON Web Key must be one of ${possible.join(', ')} for this kind of key.`,
    );
  }
  return { key: key.toCryptoKey(algorithm, false, ['sign']), header: { alg, ...header } };
}

/** Algorithms that the key can sign with, the default first. */
function algorithmsOf(key: KeyObject): readonly string[] {
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
    case 'ec':
      return algorithmsOfCurve.get(key.asymmetricKeyDetails?.namedCurve ?? '') ?? [];
    case 'ed25519':
      return ['EdDSA', 'Ed25519'];
    default:
      return [];
  }
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}
