import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { beforeAll, describe, expect, test } from 'vitest';
import type { DataKey, DataKeyStore } from '../../src/domain/ports/keys.ts';

export interface OpenedDataKeys {
  dataKeys: DataKeyStore;
  /** Puts a sealed value into one of the columns that hold them. */
  storeSealedValue(): Promise<void>;
}

/** Needs an empty store. */
export function describeDataKeys(open: () => Promise<OpenedDataKeys>): void {
  describe('DataKeyStore', () => {
    let opened: OpenedDataKeys;
    beforeAll(async () => {
      opened = await open();
    });

    const aDataKey = (): DataKey => ({
      id: v7(),
      keyEncryptionKeyId: 'k1',
      wrapped: randomBytes(60),
      state: 'sealing',
      canary: randomBytes(40),
      createdAt: new Date(),
    });

    test('of several processes that insert the first key at once exactly one succeeds', async () => {
      const { dataKeys } = opened;
      expect(await dataKeys.list()).toEqual([]);
      const keys = Array.from({ length: 8 }, aDataKey);
      const inserted = await Promise.all(keys.map((key) => dataKeys.insertFirst(key)));
      expect(inserted.filter(Boolean)).toHaveLength(1);
      expect(await dataKeys.list()).toMatchObject([{ ...keys[inserted.indexOf(true)] }]);
      expect(await dataKeys.insertFirst(aDataKey())).toBe(false);
    });

    test('tells whether sealed values are stored', async () => {
      expect(await opened.dataKeys.hasSealedData()).toBe(false);
      await opened.storeSealedValue();
      expect(await opened.dataKeys.hasSealedData()).toBe(true);
    });
  });
}
