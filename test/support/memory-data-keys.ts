import type { DataKey, DataKeyStore } from '../../src/domain/ports/keys.ts';

export interface MemoryDataKeys extends DataKeyStore {
  rows: DataKey[];
  /** What hasSealedData answers. */
  sealedData: boolean;
}

export function createMemoryDataKeys(): MemoryDataKeys {
  const store: MemoryDataKeys = {
    rows: [],
    sealedData: false,
    list: async () => store.rows.toReversed(),
    insertFirst: async (key) => {
      if (store.rows.length > 0) return false;
      store.rows.push(key);
      return true;
    },
    hasSealedData: async () => store.sealedData,
  };
  return store;
}
