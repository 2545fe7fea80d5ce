import type { Cipher, Sealed } from '../domain/ports/cipher.ts';
import { type GrantAddress, openTokens } from './sealing.ts';

/** What a fetch hands out of a token set. */
export interface ServedTokens {
  accessToken: string;
  tokenType: string;
  extra: Record<string, unknown>;
}

export type OpenServedTokens = (grant: GrantAddress, sealed: Sealed) => ServedTokens;

/**
 * Opens what is served, once for as long as the very same sealed value is held: opening costs more than all the rest of
 * a fetch from memory. The refresh token is not part of it. What is remembered is bytes outside the engine's heap, so a
 * heap snapshot shows no more tokens than those of the requests under way; a dump of the whole process does, and also
 * the key that opens the sealed ones. It goes when the sealed value goes: with the cache's entry, on every change of the
 * grant. Keyed by that value itself, not by a name, so one grant's tokens cannot come out as another's.
 */
export function createOpenServedTokens(cipher: Cipher): OpenServedTokens {
  const opened = new WeakMap<Sealed, Uint8Array>();
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();

  return (grant, sealed) => {
    const remembered = opened.get(sealed);
    if (remembered !== undefined) return JSON.parse(decoder.decode(remembered)) as ServedTokens;
    const { accessToken, tokenType, extra } = openTokens(cipher, grant, sealed);
    const served: ServedTokens = { accessToken: accessToken.reveal(), tokenType, extra };
    opened.set(sealed, encoder.encode(JSON.stringify(served)));
    return served;
  };
}
