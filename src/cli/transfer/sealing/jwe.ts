import { CompactEncrypt, compactDecrypt, importJWK, type JWK } from 'jose';
import { CommandFailure, exitCodes } from '../../exit-codes.ts';
import type { Open, Seal } from './sealed-text.ts';

/** Members of a private or symmetric JWK (RFC 7518 §6). */
const privateMembers = ['d', 'k'];
/** Key management of a key that names none (RFC 7518 §4.1). */
const algorithms: Readonly<Record<string, string>> = {
  RSA: 'RSA-OAEP-256',
  EC: 'ECDH-ES+A256KW',
  OKP: 'ECDH-ES+A256KW',
};

/** Seals to a public JWK. The result is a compact JWE (RFC 7516 §7.1). */
export async function createJweSeal(text: string): Promise<Seal> {
  const jwk = parse(text, 'recipient');
  if (privateMembers.some((member) => Object.hasOwn(jwk, member))) {
    throw new CommandFailure('The recipient is a private key. Give its public key.', exitCodes.usage);
  }
  if (jwk.use === 'sig') throw new CommandFailure('The recipient is a key for signatures (use: sig).', exitCodes.usage);
  const header = {
    alg: algorithmOf(jwk, 'recipient'),
    enc: 'A256GCM',
    ...(typeof jwk.kid === 'string' && { kid: jwk.kid }),
  };
  const key = await load(jwk, header.alg, 'recipient');
  return (plain) => new CompactEncrypt(new TextEncoder().encode(plain)).setProtectedHeader(header).encrypt(key);
}

export async function createJweOpen(text: string): Promise<Open> {
  const jwk = parse(text, 'identity');
  const alg = algorithmOf(jwk, 'identity');
  const key = await load(jwk, alg, 'identity');
  const options = { keyManagementAlgorithms: [alg], contentEncryptionAlgorithms: ['A256GCM'] };
  return async (sealed) => new TextDecoder().decode((await compactDecrypt(sealed, key, options)).plaintext);
}

function parse(text: string, what: string): JWK {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // The parser's message quotes the key.
  }
  throw new CommandFailure(`The ${what} is not a JSON Web Key.`, exitCodes.usage);
}

function algorithmOf({ alg, kty }: JWK, what: string): string {
  const found = alg ?? algorithms[kty ?? ''];
  if (found !== undefined) return found;
  throw new CommandFailure(`The ${what} must be an RSA, EC or OKP key.`, exitCodes.usage);
}

async function load(jwk: JWK, alg: string, what: string) {
  try {
    return await importJWK(jwk, alg);
  } catch {
    throw new CommandFailure(`The ${what} is not a valid key for ${alg}.`, exitCodes.usage);
  }
}
