import { Secret } from './secret.ts';

/** One key-encryption key: 32 bytes in base64, under the id that whatever it wraps names. */
export interface EncryptionKey {
  id: string;
  key: Secret;
}

const keyIdPattern = /^[A-Za-z0-9._-]{1,64}$/;
/** 32 bytes in base64, padded or not; the last character carries four bits, so that each key has one spelling. */
const keyPattern = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=?$/;

/** Reads `id:base64(32 bytes)`, comma-separated, newest first. Faults name positions and ids, never keys. */
export function parseEncryptionKeys(text: string): { keys: EncryptionKey[]; faults: string[] } {
  const keys: EncryptionKey[] = [];
  const faults: string[] = [];
  for (const [index, entry] of text.split(',').entries()) {
    const [id = '', key, ...rest] = entry.trim().split(':');
    const position = `key ${index + 1}`;
    if (key === undefined || rest.length > 0) faults.push(`${position} is not of the form id:base64`);
    else if (!keyIdPattern.test(id))
      faults.push(`${position} has an id other than 1 to 64 letters, digits, dots, dashes and underscores`);
    else if (!keyPattern.test(key)) faults.push(`${position} (${id}) is not 32 bytes in base64`);
    else if (keys.some((earlier) => earlier.id === id)) faults.push(`${position} repeats the id ${id}`);
    else keys.push({ id, key: new Secret(key) });
  }
  return { keys, faults };
}
