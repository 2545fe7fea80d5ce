import { BrokerError } from '../domain/errors.ts';
import { type KeyEncryptionKey, type KeyEncryptionKeys, KeyFailure, KeyUnavailable } from '../domain/ports/keys.ts';

/** Seconds after which a caller may repeat a request that needed an unreachable key service. */
const retryAfter = 5;

/** The key-encryption keys of ENCRYPTION_KEYS, of any sources. The first key wraps; every key unwraps. */
export function createKeyEncryptionKeys(keys: readonly KeyEncryptionKey[]): KeyEncryptionKeys {
  const [first] = keys;
  if (first === undefined) throw new KeyUnavailable('ENCRYPTION_KEYS holds no key.');
  const byId = new Map(keys.map((key) => [key.id, key]));
  const ids = keys.map(({ id }) => id).join(', ');
  return {
    currentId: first.id,
    ids: [...byId.keys()],
    async wrap(key, dataKeyId) {
      const context = contextOf(first.id, dataKeyId);
      const wrapped = await explained(first, dataKeyId, () => first.wrap(key, context));
      return { keyEncryptionKeyId: first.id, wrapped };
    },
    async unwrap({ keyEncryptionKeyId: id, wrapped }, dataKeyId) {
      const key = byId.get(id);
      if (key === undefined) {
        throw new KeyUnavailable(
          `The stored data needs the encryption key "${id}", which ENCRYPTION_KEYS does not hold (it holds: ${ids}). Add that key; if it is lost, restore it from a backup.`,
        );
      }
      return explained(key, dataKeyId, () => key.unwrap(wrapped, contextOf(id, dataKeyId)));
    },
  };
}

/** Names the key and its source in every failure. */
async function explained<T>(key: KeyEncryptionKey, dataKeyId: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof KeyFailure)) throw cause;
    if (cause.kind === 'mismatch') throw new KeyUnavailable(mismatch(key, dataKeyId), { cause });
    const name = key.service === null ? `"${key.id}"` : `"${key.id}" in ${key.service}`;
    if (cause.kind === 'refused') {
      throw new KeyUnavailable(`The encryption key ${name} cannot be used: ${cause.message}`, { cause });
    }
    const message = `The encryption key ${name} cannot be reached: ${cause.message}`;
    throw BrokerError.with('service_unavailable', message, { retry_after: retryAfter }, cause);
  }
}

function mismatch({ id, service }: KeyEncryptionKey, dataKeyId: string): string {
  return service === null
    ? `ENCRYPTION_KEYS holds a key named "${id}", but not the key of that name which the stored data was sealed with (data key ${dataKeyId}). Give the original key "${id}".`
    : `The encryption key "${id}" in ${service} is not the key of that name which the stored data was sealed with, or data_keys was altered (data key ${dataKeyId}). Name the original key "${id}".`;
}

function contextOf(keyEncryptionKeyId: string, dataKeyId: string): Buffer {
  return Buffer.from(JSON.stringify(['data_key', keyEncryptionKeyId, dataKeyId]), 'utf8');
}
