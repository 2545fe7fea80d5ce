import { createConfirmKeyBackup } from '../keys/confirm-key-backup.ts';
import { createContinueRotation } from '../keys/continue-rotation.ts';
import { createReadEncryption } from '../keys/read-encryption.ts';
import { createResealBatch } from '../keys/reseal-batch.ts';
import { createRetireDataKey } from '../keys/retire-data-key.ts';
import { createRotateKeys } from '../keys/rotate-keys.ts';
import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';

/** Builds the use cases that rotate encryption keys. */
export function createKeys(ports: BrokerPorts, { instanceId }: BrokerSettings) {
  const { dataKeys, dataKeyMaker, keyEncryptionKeys, keyHolders, keyRotations: rotations, sealedValues } = ports;
  const { keyBackups, cipher, newId, clock, sleep, ended } = ports;
  return {
    readEncryption: createReadEncryption({ dataKeys, keyHolders, rotations, keyBackups, keyEncryptionKeys }),
    confirmKeyBackup: createConfirmKeyBackup({ dataKeys, keyEncryptionKeys, keyBackups, clock }),
    rotateKeys: createRotateKeys({ rotations, dataKeyMaker, newId, clock }),
    retireDataKey: createRetireDataKey({ dataKeys, keyHolders, rotations, sealedValues, clock }),
    continueRotation: createContinueRotation({
      rotations,
      keyHolders,
      dataKeys,
      dataKeyMaker,
      resealBatch: createResealBatch({ sealedValues, cipher, onUnreadable: ports.onUnreadableValue }),
      owner: instanceId,
      clock,
      sleep,
      ended,
      onFinished: ports.onKeysRotated,
    }),
  };
}
