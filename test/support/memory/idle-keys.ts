import type { BrokerPorts } from '../../../src/broker/assembly/broker-ports.ts';
import { createMemoryDataKeys } from './data-keys.ts';

type KeyPorts = Pick<
  BrokerPorts,
  | 'dataKeys'
  | 'dataKeyMaker'
  | 'keyEncryptionKeys'
  | 'keyBackups'
  | 'keyHolders'
  | 'keyRotations'
  | 'sealedValues'
  | 'onUnreadableValue'
  | 'onKeysRotated'
>;

/** Ports of the rotation of keys in which no rotation ever begins. */
export function createIdleKeys(): KeyPorts {
  const nothing = async () => {};
  const refuse = async () => {
    throw new Error('no keys are rotated in memory');
  };
  return {
    dataKeys: createMemoryDataKeys(),
    dataKeyMaker: { keyEncryptionKeyId: 'k1', make: refuse, rewrap: refuse },
    keyEncryptionKeys: { currentId: 'k1', ids: ['k1'] },
    keyBackups: { list: async () => [], confirm: nothing },
    keyHolders: { report: nothing, remove: nothing, list: async () => [] },
    keyRotations: {
      begin: refuse,
      latest: async () => undefined,
      claim: async () => undefined,
      save: async () => false,
      finish: nothing,
      release: nothing,
      storeWrapping: nothing,
      promote: nothing,
      removeDataKey: async () => false,
    },
    sealedValues: {
      page: async () => ({ values: [], examined: 0, next: null }),
      replace: async () => 0,
      count: async () => ({ found: 0, next: null }),
    },
    onUnreadableValue: () => {},
    onKeysRotated: () => {},
  };
}
