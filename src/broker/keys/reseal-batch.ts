import type { Cipher, SealedAt } from '../../domain/ports/cipher.ts';
import type {
  Replacement,
  SealedPlace,
  SealedValue,
  SealedValueStore,
} from '../../domain/ports/maintenance/key-rotation.ts';
import { clientSecretsAt, grantTokensAt, verifierAt, waitingTokensAt } from '../sealing.ts';

export interface ResealedBatch {
  next: string | null;
  examined: number;
  resealed: number;
  contended: number;
  unreadable: number;
}

/** Seals one page of values under the key that the cipher seals with. */
export type ResealBatch = (place: SealedPlace, wanted: string, after: string | null) => Promise<ResealedBatch>;

export interface ResealBatchDeps {
  sealedValues: Pick<SealedValueStore, 'page' | 'replace'>;
  cipher: Cipher;
  /** Receives the place and the primary key of a value that does not open. */
  onUnreadable: (place: SealedPlace, key: string, error: unknown) => void;
}

/** Rows of one page. Bounds how long the statement locks its rows, and what a killed process repeats. */
const pageSize = 200;

export function createResealBatch({ sealedValues, cipher, onUnreadable }: ResealBatchDeps): ResealBatch {
  return async (place, wanted, after) => {
    const { values, examined, next } = await sealedValues.page(place, wanted, after, pageSize);
    const replacements: Replacement[] = [];
    for (const value of values) {
      try {
        const at = addressOf(place, value);
        const { key, sealed: from } = value;
        replacements.push({ key, from, to: cipher.seal(cipher.open(from, at), at) });
      } catch (error) {
        onUnreadable(place, value.key, error);
      }
    }
    const resealed = await sealedValues.replace(place, replacements);
    return {
      next,
      examined,
      resealed,
      contended: replacements.length - resealed,
      unreadable: values.length - replacements.length,
    };
  };
}

/** Returns the place that a stored value was sealed for. The copies of a pending revocation keep that of their origin. */
function addressOf(place: SealedPlace, { row, organizationId, destination }: SealedValue): SealedAt {
  const address = { id: row, organizationId };
  switch (place) {
    case 'connections.sealed_client_secrets':
    case 'pending_revocations.sealed_client_secrets':
      if (destination === undefined) throw new TypeError('client secrets have no destination');
      return clientSecretsAt({ ...address, ...destination });
    case 'grants.sealed_tokens':
    case 'pending_revocations.sealed_tokens':
      return grantTokensAt(address);
    case 'authorizations.sealed_verifier':
      return verifierAt({ stateHash: row, organizationId });
    case 'authorizations.sealed_waiting':
      return waitingTokensAt({ stateHash: row, organizationId });
  }
}
