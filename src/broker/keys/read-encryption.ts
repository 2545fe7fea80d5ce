import type { DataKeyStore, DataKeyUse, KeyBackupStore } from '../../domain/ports/keys.ts';
import type {
  KeyHolder,
  KeyHolderStore,
  KeyRotation,
  KeyRotationStore,
} from '../../domain/ports/maintenance/key-rotation.ts';
import { processesToWaitFor } from './continue-rotation.ts';

export interface EncryptionKeyUse {
  id: string;
  /** Whether this process holds the key. */
  isHeld: boolean;
  /** Number of data keys that it wraps. */
  dataKeys: number;
  /** Time of the last confirmation that the key has a backup; null without one. */
  backupConfirmedAt: Date | null;
  /** Id of the caller who confirmed it. */
  backupConfirmedBy: string | null;
}

export interface EncryptionState {
  /** Id of the key-encryption key that wraps new data keys. */
  encryptionKeyId: string;
  /** Ids of the key-encryption keys of this process, and of those that stored data keys need. */
  encryptionKeyIds: EncryptionKeyUse[];
  dataKeys: DataKeyUse[];
  processes: KeyHolder[];
  rotation: KeyRotation | null;
  /** Ids of the processes that the rotation waits for. */
  waitsFor: string[];
}

export type ReadEncryption = () => Promise<EncryptionState>;

export interface ReadEncryptionDeps {
  dataKeys: Pick<DataKeyStore, 'list'>;
  keyHolders: Pick<KeyHolderStore, 'list'>;
  rotations: Pick<KeyRotationStore, 'latest'>;
  keyBackups: Pick<KeyBackupStore, 'list'>;
  keyEncryptionKeys: { currentId: string; ids: readonly string[] };
}

export function createReadEncryption(deps: ReadEncryptionDeps): ReadEncryption {
  const { currentId, ids } = deps.keyEncryptionKeys;
  return async () => {
    const [dataKeys, processes, rotation] = await Promise.all([
      deps.dataKeys.list(),
      deps.keyHolders.list(),
      deps.rotations.latest(),
    ]);
    const all = encryptionKeyIdsOf(ids, dataKeys);
    const backups = new Map((await deps.keyBackups.list(all)).map((backup) => [backup.keyId, backup]));
    return {
      encryptionKeyId: currentId,
      encryptionKeyIds: all.map((id) => ({
        id,
        isHeld: ids.includes(id),
        dataKeys: dataKeys.filter((key) => key.keyEncryptionKeyId === id).length,
        backupConfirmedAt: backups.get(id)?.confirmedAt ?? null,
        backupConfirmedBy: backups.get(id)?.confirmedBy ?? null,
      })),
      dataKeys,
      processes,
      rotation: rotation ?? null,
      waitsFor: rotation === undefined ? [] : processesToWaitFor(rotation, processes).map(({ id }) => id),
    };
  };
}

/** Returns the ids of the keys of this process, and of those that stored data keys need. */
export function encryptionKeyIdsOf(ids: readonly string[], dataKeys: readonly DataKeyUse[]): string[] {
  return [...new Set([...ids, ...dataKeys.map((key) => key.keyEncryptionKeyId)])];
}
