import type { Kysely } from 'kysely';
import type { DataKeyStore, KeyBackupStore } from '../../domain/ports/keys.ts';
import type {
  KeyHolderStore,
  KeyRotationStore,
  SealedValueStore,
} from '../../domain/ports/maintenance/key-rotation.ts';
import type { Tables } from '../tables.ts';
import { createDataKeyStore } from './data-key-store.ts';
import { createKeyBackupStore } from './key-backup-store.ts';
import { createKeyHolderStore } from './key-holders.ts';
import { createKeyRotationStore } from './rotation-store.ts';
import { createSealedValueStore } from './sealed-values.ts';

/** Stores of data keys and their rotation. They serve every organisation. */
export interface RotationStores {
  dataKeys: DataKeyStore;
  keyBackups: KeyBackupStore;
  keyHolders: KeyHolderStore;
  keyRotations: KeyRotationStore;
  sealedValues: SealedValueStore;
}

export function createRotationStores(deps: { db: Kysely<Tables> }): RotationStores {
  return {
    dataKeys: createDataKeyStore(deps),
    keyBackups: createKeyBackupStore(deps),
    keyHolders: createKeyHolderStore(deps),
    keyRotations: createKeyRotationStore(deps),
    sealedValues: createSealedValueStore(deps),
  };
}
