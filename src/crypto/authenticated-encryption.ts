import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
export const nonceBytes = 12;
const tagBytes = 16;

/**
 * Header, random nonce, ciphertext, tag in one run of bytes; the header is authenticated together with `context`.
 * NIST SP 800-38D §8.3: a key may seal 2^32 values under random nonces, beyond which a repeated nonce, and with it the
 * loss of authenticity, stops being negligible. At a hundred seals a second that is sixteen months; a data key must be
 * replaced before.
 */
export function encrypt(
  key: KeyObject,
  plaintext: Uint8Array,
  header: Uint8Array,
  context: Uint8Array,
  nonce: Uint8Array = randomBytes(nonceBytes),
): Uint8Array {
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

/** Throws where a bit of header, nonce, ciphertext, tag or context is not what was sealed, or the key is another. */
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
