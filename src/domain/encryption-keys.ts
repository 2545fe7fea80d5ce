import { isKeySource, locationFault, type RemoteKey } from './keys/remote-keys.ts';
import { Secret } from './secret.ts';

/** One key-encryption key: 32 bytes in base64. Every data key it wraps records its id. */
export interface EncryptionKey {
  id: string;
  key: Secret;
}

/** A key-encryption key of ENCRYPTION_KEYS: the key itself, or the place of a key in a key service. */
export type ConfiguredKey = EncryptionKey | RemoteKey;

export function isHeld(key: ConfiguredKey): key is EncryptionKey {
  return 'key' in key;
}

const keyIdPattern = /^[A-Za-z0-9._-]{1,64}$/;
/** 32 bytes in base64, padded or not. The last character carries four bits, so each key has one spelling. */
const keyPattern = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=?$/;

/**
 * Parses entries, comma-separated, newest first: `id:base64(32 bytes)`, or `id:source:location` for a key in a key
 * service. Faults name positions and ids, never keys.
 */
export function parseEncryptionKeys(text: string): { keys: ConfiguredKey[]; faults: string[] } {
  const keys: ConfiguredKey[] = [];
  const faults: string[] = [];
  for (const [index, entry] of text.split(',').entries()) {
    const key = parseEntry(entry.trim());
    const position = `key ${index + 1}`;
    if (typeof key === 'string') faults.push(`${position} ${key}`);
    else if (keys.some((earlier) => earlier.id === key.id)) faults.push(`${position} repeats the id ${key.id}`);
    else keys.push(key);
  }
  return { keys, faults };
}

/** Returns the key, or what is wrong with the entry. */
function parseEntry(entry: string): ConfiguredKey | string {
  const [id = '', key, ...rest] = entry.split(':');
  const hasSource = key !== undefined && isKeySource(key);
  if (key === undefined || (rest.length > 0 && !hasSource)) return 'is not of the form id:base64 or id:source:location';
  if (!keyIdPattern.test(id)) return 'has an id other than 1 to 64 letters, digits, dots, dashes and underscores';
  if (!hasSource) return keyPattern.test(key) ? { id, key: new Secret(key) } : `(${id}) is not 32 bytes in base64`;
  const location = rest.join(':');
  const fault = locationFault(key, location);
  return fault === undefined ? { id, source: key, location } : `(${id}) ${fault}`;
}
