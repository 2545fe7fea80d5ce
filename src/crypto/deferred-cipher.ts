import { BrokerError } from '../domain/errors.ts';
import type { Cipher } from '../domain/ports/cipher.ts';

export interface DeferredCipher extends Cipher {
  isReady(): boolean;
  /** Delegates every later call to `cipher`. */
  activate(cipher: Cipher): void;
}

/**
 * Creates a cipher that receives its keys later, so that the service can listen while the database is unavailable.
 * It throws service_unavailable until `activate` is called.
 */
export function createDeferredCipher(): DeferredCipher {
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
    activate(cipher) {
      current = cipher;
    },
  };
}
