import { BrokerError } from '../domain/errors.ts';
import type { Cipher } from '../domain/ports/cipher.ts';

export interface LateCipher extends Cipher {
  isReady(): boolean;
  /** Seals and opens as this one does from now on. */
  become(cipher: Cipher): void;
}

/** Exists before its keys do, so that the service listens while the database is away. Until then it throws service_unavailable. */
export function createLateCipher(): LateCipher {
  let current: Cipher | undefined;
  function ready(): Cipher {
    if (current === undefined) {
      throw BrokerError.with('service_unavailable', 'The service is starting.', { retry_after: 2 });
    }
    return current;
  }
  return {
    seal: (plaintext, at) => ready().seal(plaintext, at),
    open: (sealed, at) => ready().open(sealed, at),
    isReady: () => current !== undefined,
    become(cipher) {
      current = cipher;
    },
  };
}
