import type { ServableGrant } from '../domain/credential.ts';
import type { Cipher, Sealed } from '../domain/ports/cipher.ts';
import { openTokens } from './sealing.ts';

/** What a fetch hands out of a token set. */
export interface ServedTokens {
  accessToken: string;
  tokenType: string;
  extra: Record<string, unknown>;
}

export type OpenServedTokens = (grant: ServableGrant, sealed: Sealed) => ServedTokens;

/**
 * Opens what is served, once for as long as the grant is kept at hand: opening costs more than all the rest of a fetch
 * from memory. The refresh token is not part of it. What is remembered is bytes outside the engine's heap, so a heap
 * snapshot shows no more tokens than those of the requests under way; a dump of the whole process does, and also the key
 * that opens the sealed ones. They belong to the grant they were read with, and go when it goes: on every change of it.
 */
export function createOpenServedTokens(cipher: Cipher): OpenServedTokens {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();

  return (grant, sealed) => {
    const { room } = grant;
    if (room?.served !== undefined) return JSON.parse(decoder.decode(room.served)) as ServedTokens;
    const { accessToken, tokenType, extra } = openTokens(cipher, grant, sealed);
    const served: ServedTokens = { accessToken: accessToken.reveal(), tokenType, extra };
    if (room !== undefined) room.served = encoder.encode(JSON.stringify(served));
    return served;
  };
}
