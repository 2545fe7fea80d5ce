import type { DataKey, DataKeyStore } from '../../../src/domain/ports/keys.ts';

export interface MemoryDataKeys extends DataKeyStore {
  rows: DataKey[];
  /** The result of hasSealedData. */
  sealedData: boolean;
}

export function createMemoryDataKeys(): MemoryDataKeys {
  const store: MemoryDataKeys = {
    rows: [],
    sealedData: false,
    list: async () => store.rows.toReversed().map((row) => ({ seals: 0, sealedUntil: null, ...row })),
    insertFirst: async (key) => {
      if (store.rows.length > 0) return false;
      store.rows.push(key);
      return true;
    },
    hasSealedData: async () => store.sealedData,
    addSeals: async () => undefined,
  };
  return store;
}
