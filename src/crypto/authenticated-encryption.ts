import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Returns header, nonce, ciphertext and tag as one byte sequence. The tag also authenticates `header` and `context`.
 * NIST SP 800-38D §8.3 limits one key to 2^32 values sealed under random nonces. Beyond the limit, a repeated nonce
 * becomes likely enough to matter, and a repeated nonce lets an attacker forge values. At 100 seals a second the limit
 * is reached after 16 months; the data key must be replaced before.
 */
export function encrypt(key: KeyObject, plaintext: Uint8Array, header: Uint8Array, context: Uint8Array): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const start = header.length + nonceBytes;
  const sealed = Buffer.alloc(start + plaintext.length + tagBytes);
  sealed.set(header);
  sealed.set(nonce, header.length);
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(Buffer.concat([header, context]));
  sealed.set(cipher.update(plaintext), start);
  cipher.final();
  sealed.set(cipher.getAuthTag(), start + plaintext.length);
  return sealed;
}

/** Throws if the key is wrong, or if any bit of header, nonce, ciphertext, tag or context has changed since sealing. */
export function decrypt(key: KeyObject, sealed: Uint8Array, headerLength: number, context: Uint8Array): Buffer {
  const start = headerLength + nonceBytes;
  const end = sealed.length - tagBytes;
  if (end < start) throw new Error('The sealed value is cut short.');
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(headerLength, start), { authTagLength: tagBytes });
  decipher.setAAD(Buffer.concat([sealed.subarray(0, headerLength), context]));
  decipher.setAuthTag(sealed.subarray(end));
  const plaintext = decipher.update(sealed.subarray(start, end));
  decipher.final();
  return plaintext;
}
