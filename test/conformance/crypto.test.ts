import { describe } from 'vitest';
import { createEnvironmentKeys } from '../../src/crypto/environment-keys.ts';
import { createKeyRing } from '../../src/crypto/key-ring.ts';
import { newId } from '../../src/crypto/tokens.ts';
import { encryptionKey } from '../support/builders/encryption-keys.ts';
import { createMemoryDataKeys } from '../support/memory/data-keys.ts';
import { describeCipher } from './cipher.ts';

describe('with data keys', () => {
  describeCipher(async () => {
    const keyEncryptionKeys = createEnvironmentKeys([encryptionKey('k1')]);
    const clock = () => new Date();
    const { cipher } = await createKeyRing({ keys: createMemoryDataKeys(), keyEncryptionKeys, newId, clock });
    return cipher;
  });
});
