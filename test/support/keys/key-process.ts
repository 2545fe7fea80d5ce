import { setTimeout as sleep } from 'node:timers/promises';
import { createKeyWatch, type KeyWatch } from '../../../src/app/keys/key-watch.ts';
import { createContinueRotation } from '../../../src/broker/keys/continue-rotation.ts';
import { createReadEncryption } from '../../../src/broker/keys/read-encryption.ts';
import { createResealBatch } from '../../../src/broker/keys/reseal-batch.ts';
import { createRetireDataKey } from '../../../src/broker/keys/retire-data-key.ts';
import { createRotateKeys } from '../../../src/broker/keys/rotate-keys.ts';
import { createDataKeyMaker } from '../../../src/crypto/data-keys.ts';
import { createDeferredCipher } from '../../../src/crypto/deferred-cipher.ts';
import { createEnvironmentKeys } from '../../../src/crypto/environment-keys.ts';
import { newId } from '../../../src/crypto/tokens.ts';
import type { EncryptionKey } from '../../../src/domain/encryption-keys.ts';
import type { KeyEncryptionKeys } from '../../../src/domain/ports/keys.ts';
import type { SealedValueStore } from '../../../src/domain/ports/maintenance/key-rotation.ts';
import type { SpooledTokens } from '../../../src/domain/ports/spool.ts';
import type { Postgres } from '../../../src/postgres/postgres.ts';
import { actorOf } from '../memory/broker.ts';

export type KeyProcess = ReturnType<typeof createKeyProcess>;

const noTrace = { requestId: null, address: null };

/** The parts of a process that deal with keys, on a real database. `rotates: false`: it only follows. */
export function createKeyProcess(
  postgres: Postgres,
  id: string,
  encryptionKeys: readonly EncryptionKey[] | KeyEncryptionKeys,
  options: { sealedValues?: SealedValueStore; rotates?: boolean; clock?: () => Date } = {},
) {
  const { clock = () => new Date(), sealedValues = postgres.sealedValues } = options;
  const keyEncryptionKeys = 'wrap' in encryptionKeys ? encryptionKeys : createEnvironmentKeys(encryptionKeys);
  const cipher = createDeferredCipher();
  const ended = new AbortController();
  const errors: unknown[] = [];
  const unreadable: string[] = [];
  const spooled: SpooledTokens[] = [];
  const { dataKeys, keyBackups, keyHolders, keyRotations: rotations } = postgres;
  const dataKeyMaker = createDataKeyMaker({ keyEncryptionKeys, newId, clock });
  const rotateKeys = createRotateKeys({ rotations, dataKeyMaker, newId, clock });
  const readEncryption = createReadEncryption({ dataKeys, keyHolders, rotations, keyBackups, keyEncryptionKeys });
  const retireDataKey = createRetireDataKey({ dataKeys, keyHolders, rotations, sealedValues, clock });
  const continueRotation = createContinueRotation({
    rotations,
    keyHolders,
    dataKeys,
    dataKeyMaker,
    resealBatch: createResealBatch({
      sealedValues,
      cipher,
      onUnreadable: (place, key) => void unreadable.push(`${place} ${key}`),
    }),
    owner: id,
    clock,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    ended: ended.signal,
    onFinished: () => {},
  });
  const watch: KeyWatch = createKeyWatch({
    postgres: {
      dataKeys,
      keyHolders,
      clock: postgres.clock,
      listener: { subscribe: () => {} },
    },
    keyEncryptionKeys,
    cipher,
    spool: { list: async () => spooled },
    process: { id, host: `host-of-${id}` },
    continueRotation: options.rotates === false ? undefined : continueRotation,
    replaceDataKey: () => rotateKeys('broker', { makesDataKey: true }, noTrace),
    log: { error: (fields: unknown) => void errors.push(fields), info: () => {} },
    onError: (error) => void errors.push(error),
  });
  return {
    id,
    cipher,
    errors,
    unreadable,
    spooled,
    watch,
    /** Ends the work without an orderly stop. */
    kill: () => ended.abort(),
    readEncryption,
    continueRotation,
    rotate: (makesDataKey = true) => rotateKeys('bootstrap', { makesDataKey }, noTrace),
    retire: (dataKeyId: string, abandonsEnded = false) =>
      retireDataKey(actorOf(null).caller, dataKeyId, { abandonsEnded }, noTrace),
  };
}
