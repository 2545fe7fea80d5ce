import type { BrokerError } from '../domain/errors.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import { type DataKeyStore, type DataKeyUse, KeyUnavailable } from '../domain/ports/keys.ts';
import { createCipher, type OpenDataKey } from './cipher.ts';
import { createDataKeyMaker, type DataKeyParts, openDataKey } from './data-keys.ts';

export interface KeyRing {
  cipher: Cipher;
  sealingKeyId: string;
  /** Ids of the stored keys that this ring opens values with. */
  dataKeyIds: readonly string[];
  /** Reasons why stored keys are missing in this ring. Only a later ring of a process may lack any. */
  missing: readonly KeyUnavailable[];
  /** Values that all processes had sealed under the sealing key when this ring read the table. */
  storedSeals: number;
  /** Returns the number of values sealed since the last call. */
  takeSeals(): number;
  /** Every key of this ring and of the earlier ones. */
  opened: ReadonlyMap<string, OpenDataKey>;
}

export interface KeyRingParts extends DataKeyParts {
  keys: Pick<DataKeyStore, 'list' | 'insertFirst' | 'hasSealedData'>;
  /** Earlier ring of this process. Its keys stay, so that values read before still open. */
  earlier?: KeyRing;
  onUnknownKey?: (dataKeyId: string) => BrokerError | undefined;
}

/**
 * Opens every data key and checks each against its canary. Creates the first data key if the database is empty.
 * Throws KeyUnavailable if a key is missing or wrong, before this process can seal a value under another key. A process
 * with an earlier ring goes on without a key that it cannot open, unless that key seals.
 */
export async function createKeyRing(parts: KeyRingParts): Promise<KeyRing> {
  const { earlier, keyEncryptionKeys } = parts;
  const stored: readonly DataKeyUse[] = await parts.keys.list();
  const rows = stored.length > 0 ? stored : await createFirstDataKey(parts);
  const opened = new Map(earlier?.opened);
  const missing: KeyUnavailable[] = [];
  for (const row of rows) {
    if (opened.has(row.id)) continue;
    try {
      opened.set(row.id, { id: row.id, key: await openDataKey(row, keyEncryptionKeys) });
    } catch (error) {
      const mayLack = earlier !== undefined && row.state !== 'sealing';
      if (!mayLack || !(error instanceof KeyUnavailable)) throw error;
      missing.push(error);
    }
  }
  const sealingRow = rows.find(({ state }) => state === 'sealing');
  const sealing = opened.get(sealingRow?.id ?? '');
  if (sealingRow === undefined || sealing === undefined) {
    throw new KeyUnavailable(
      'No data key in the database is marked for sealing. Restore the table data_keys from a backup.',
    );
  }
  let seals = 0;
  const onSeal = () => {
    seals += 1;
  };
  const events = { onSeal, ...(parts.onUnknownKey && { onUnknownKey: parts.onUnknownKey }) };
  return {
    cipher: createCipher(sealing, [...opened.values()], events),
    sealingKeyId: sealing.id,
    dataKeyIds: rows.flatMap(({ id }) => (opened.has(id) ? [id] : [])),
    missing,
    storedSeals: sealingRow.seals,
    takeSeals() {
      const taken = seals;
      seals = 0;
      return taken;
    },
    opened,
  };
}

async function createFirstDataKey(parts: KeyRingParts): Promise<readonly DataKeyUse[]> {
  const { keys } = parts;
  if (await keys.hasSealedData()) {
    // After this process read the table, another process may have created the first key and sealed with it.
    const current = await keys.list();
    if (current.length > 0) return current;
    throw new KeyUnavailable(
      'The database holds sealed values but no data key to open them with. Restore the table data_keys from a backup; no new key is made over existing data.',
    );
  }
  await keys.insertFirst(await createDataKeyMaker(parts).make('sealing'));
  // Re-read: when several processes start together, only one key is stored, and every process must use that key.
  return keys.list();
}
