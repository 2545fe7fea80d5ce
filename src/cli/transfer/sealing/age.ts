import { Decrypter, Encrypter } from 'age-encryption';
import { CommandFailure, exitCodes } from '../../exit-codes.ts';
import type { Open, Seal } from './sealed-text.ts';

/** Seals to an age recipient. The result is the base64 of an age file. */
export function createAgeSeal(recipient: string): Seal {
  const encrypter = new Encrypter();
  try {
    encrypter.addRecipient(recipient);
  } catch {
    throw new CommandFailure('The recipient is not a valid age public key.', exitCodes.usage);
  }
  return async (text) => Buffer.from(await encrypter.encrypt(text)).toString('base64');
}

export function createAgeOpen(identity: string): Open {
  const decrypter = new Decrypter();
  try {
    decrypter.addIdentity(identity);
  } catch {
    // The library's message may quote the key.
    throw new CommandFailure('The identity is not a valid age private key.', exitCodes.usage);
  }
  return async (sealed) => decrypter.decrypt(Buffer.from(sealed, 'base64'), 'text');
}
