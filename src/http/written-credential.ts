import type { Credential } from '../domain/credential.ts';
import { fromCredential } from './schemas/credential.ts';

/** As Fastify names what it writes itself. */
export const jsonMediaType = 'application/json; charset=utf-8';

/**
 * Writes the answer once for as long as its grant is kept at hand: the same grant found by the same query is always
 * answered with the same text. What is remembered is bytes outside the engine's heap, so a heap snapshot shows no more
 * tokens than those of the requests under way; a dump of the whole process does, and also the key that opens the sealed ones.
 */
export function createWriteCredential(): (found: Credential) => string {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();

  return (found) => {
    const { room } = found;
    if (room?.answer !== undefined) return decoder.decode(room.answer);
    const text = JSON.stringify(fromCredential(found));
    if (room !== null) room.answer = encoder.encode(text);
    return text;
  };
}
