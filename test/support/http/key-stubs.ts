import type { KeyRotation } from '../../../src/domain/ports/maintenance/key-rotation.ts';
import type { EncryptionUseCases } from '../../../src/http/routes/admin/encryption.ts';

const startedAt = new Date('2030-01-31T12:00:00Z');

const rotation: KeyRotation = {
  id: '01980c30-0a5e-7d10-9a55-3c9d7e8f1b24',
  encryptionKeyId: 'k1',
  dataKeyId: '01980c30-0a5e-7d10-9a55-3c9d7e8f1b25',
  startedBy: 'bootstrap',
  startedAt,
  finishedAt: null,
  state: 'resealing',
  pass: 1,
  place: 'grants.sealed_tokens',
  cursor: null,
  examined: 3,
  resealed: 2,
  contended: 1,
  unreadable: 0,
};

/** Use cases of keys that always succeed with the same result. */
export function stubKeys(): EncryptionUseCases {
  const dataKey = {
    id: '01980c30-0a5e-7d10-9a55-3c9d7e8f1b25',
    keyEncryptionKeyId: 'k1',
    wrapped: new Uint8Array(60),
    state: 'sealing',
    canary: new Uint8Array(40),
    createdAt: startedAt,
    seals: 12,
    sealedUntil: null,
  } as const;
  return {
    readEncryption: async () => ({
      encryptionKeyId: 'k1',
      encryptionKeyIds: [
        { id: 'k1', isHeld: true, dataKeys: 1, backupConfirmedAt: startedAt, backupConfirmedBy: 'bootstrap' },
      ],
      dataKeys: [dataKey],
      processes: [],
      rotation,
      waitsFor: [],
    }),
    rotateKeys: async () => ({ rotation, isNew: true }),
    retireDataKey: async () => undefined,
  };
}
