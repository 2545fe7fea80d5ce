import type { KeyRing } from '../../crypto/key-ring.ts';
import type { DataKeyStore } from '../../domain/ports/keys.ts';

export interface SealCounts {
  /** Takes the count of a ring over. */
  take(ring: KeyRing): void;
  /** Adds the counts to the stored ones. Keeps them if the database fails. */
  save(): Promise<void>;
}

/** Counts the seals of this process by data key, until they are stored. */
export function createSealCounts(dataKeys: Pick<DataKeyStore, 'addSeals'>): SealCounts {
  const counts = new Map<string, number>();
  return {
    take(ring) {
      const seals = ring.takeSeals();
      if (seals > 0) counts.set(ring.sealingKeyId, (counts.get(ring.sealingKeyId) ?? 0) + seals);
    },
    async save() {
      for (const [id, seals] of [...counts]) {
        await dataKeys.addSeals(id, seals);
        const left = (counts.get(id) ?? 0) - seals;
        if (left > 0) counts.set(id, left);
        else counts.delete(id);
      }
    },
  };
}
