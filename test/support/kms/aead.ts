import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Seals as the symmetric keys of the services do: with a nonce of its own and additional data. */
export function seal(key: Buffer, plain: Buffer, additional: Buffer): Buffer {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(additional);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Returns undefined for another key, altered bytes or other additional data. */
export function open(key: Buffer, sealed: Buffer, additional: Buffer): Buffer | undefined {
  if (sealed.length < 28) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(additional);
  decipher.setAuthTag(sealed.subarray(-16));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
  } catch {
    return undefined;
  }
}

export function bytes(base64: string | undefined): Buffer {
  return Buffer.from(base64 ?? '', 'base64');
}
