import type { DataKeyStore, DataKeyUse } from '../../domain/ports/keys.ts';
import type {
  KeyHolder,
  KeyHolderStore,
  KeyRotation,
  KeyRotationStore,
} from '../../domain/ports/maintenance/key-rotation.ts';
import { processesToWaitFor } from './continue-rotation.ts';

export interface EncryptionState {
  /** Id of the key-encryption key that wraps new data keys. */
  encryptionKeyId: string;
  /** Ids of the key-encryption keys of this process, and of those that stored data keys need. */
  encryptionKeyIds: { id: string; isHeld: boolean; dataKeys: number }[];
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
    const all = new Set([...ids, ...dataKeys.map((key) => key.keyEncryptionKeyId)]);
    return {
      encryptionKeyId: currentId,
      encryptionKeyIds: [...all].map((id) => ({
        id,
        isHeld: ids.includes(id),
        dataKeys: dataKeys.filter((key) => key.keyEncryptionKeyId === id).length,
      })),
      dataKeys,
      processes,
      rotation: rotation ?? null,
      waitsFor: rotation === undefined ? [] : processesToWaitFor(rotation, processes).map(({ id }) => id),
    };
  };
}
