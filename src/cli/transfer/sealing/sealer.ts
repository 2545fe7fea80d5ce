import { CommandFailure, exitCodes } from '../../exit-codes.ts';
import type { Open, Seal } from './sealed-text.ts';

/** Chooses by the form of the key: `age1…`, or a JSON Web Key. The text may be a file of age recipients, with comments. */
export async function createSeal(recipient: string): Promise<Seal> {
  const text = keyIn(recipient);
  if (text.startsWith('{')) return (await import('./jwe.ts')).createJweSeal(text);
  if (text.startsWith('age1')) return (await import('./age.ts')).createAgeSeal(text);
  // A private key is never repeated.
  throw new CommandFailure('The recipient is neither an age public key (age1…) nor a JWK.', exitCodes.usage);
}

export async function createOpen(identity: string): Promise<Open> {
  const text = keyIn(identity);
  if (text.startsWith('{')) return (await import('./jwe.ts')).createJweOpen(text);
  if (text.startsWith('AGE-SECRET-KEY-')) return (await import('./age.ts')).createAgeOpen(text);
  throw new CommandFailure('The identity is neither an age private key nor a private JWK.', exitCodes.usage);
}

/** A JWK as it is, or the first line of an age file that is no comment. */
function keyIn(text: string): string {
  const trimmed = text.trim();
  if (trimmed.startsWith('{')) return trimmed;
  const lines = trimmed.split('\n').map((line) => line.trim());
  return lines.find((line) => line !== '' && !line.startsWith('#')) ?? '';
}
