import type { Config } from '../../config.ts';
import { createEnvironmentKey } from '../../crypto/environment-keys.ts';
import { createKeyEncryptionKeys } from '../../crypto/key-encryption-keys.ts';
import { type ConfiguredKey, isHeld } from '../../domain/encryption-keys.ts';
import type { KeyEncryptionKeys } from '../../domain/ports/keys.ts';
import { openKeyService } from '../../kms/open-key-service.ts';

/** Opens the key-encryption keys, of any sources. Calls no key service yet. */
export async function openEncryptionKeys(
  keys: readonly ConfiguredKey[],
  { keyServices }: Pick<Config, 'keyServices'>,
): Promise<KeyEncryptionKeys> {
  const open = (key: ConfiguredKey) => (isHeld(key) ? createEnvironmentKey(key) : openKeyService(key, keyServices));
  return createKeyEncryptionKeys(await Promise.all(keys.map(open)));
}
