import type { ApiKey } from '../domain/api-key.ts';
import type { Caller } from '../domain/caller.ts';
import type { Tokens } from '../domain/ports/tokens.ts';

/** The caller a key stands for; undefined where the secret is not the key's. Asks neither for revocation nor for expiry. */
export type RecognizeApiKey = (key: ApiKey, secret: string, isKept: boolean) => Caller | undefined;

interface Recognized {
  secret: Uint8Array;
  caller: Caller;
}

/**
 * Of a key that is kept in memory the right secret is remembered, once it was hashed and compared: hashing costs more than
 * the rest of a fetch from memory. It belongs to that very object, so it goes when the key is forgotten, and is not heard
 * of when the key is read anew. Bytes outside the engine's heap: no heap snapshot shows it.
 */
export function createRecognizeApiKey(tokens: Pick<Tokens, 'sha256' | 'equal'>): RecognizeApiKey {
  const recognized = new WeakMap<ApiKey, Recognized>();

  return (key, secret, isKept) => {
    const known = isKept ? recognized.get(key) : undefined;
    if (known !== undefined && tokens.equal(Buffer.from(secret), known.secret)) return known.caller;
    if (!tokens.equal(tokens.sha256(secret), key.secretHash)) return undefined;
    const caller = callerOf(key);
    if (isKept) recognized.set(key, { secret: new TextEncoder().encode(secret), caller });
    return caller;
  };
}

function callerOf({ id, name, permissions, organizations, global, connections }: ApiKey): Caller {
  return { id: `api_key:${id}`, name, permissions, organizations, global, connections };
}
