import { type Caller, requirePermission, requireWholeInstallation, type Trace } from '../../domain/callers/caller.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { DataKeyStore, KeyBackup, KeyBackupStore, KeyEncryptionKeys } from '../../domain/ports/keys.ts';
import { encryptionKeyIdsOf } from './read-encryption.ts';
import { keyEvent } from './rotate-keys.ts';

/**
 * Records that the caller has a backup of a key of ENCRYPTION_KEYS, by its id. A repetition replaces the earlier
 * confirmation. Throws forbidden, not_found.
 */
export type ConfirmKeyBackup = (caller: Caller, keyId: string, trace: Trace) => Promise<KeyBackup>;

export interface ConfirmKeyBackupDeps {
  dataKeys: Pick<DataKeyStore, 'list'>;
  keyEncryptionKeys: Pick<KeyEncryptionKeys, 'ids'>;
  keyBackups: Pick<KeyBackupStore, 'confirm'>;
  clock: () => Date;
}

export function createConfirmKeyBackup(deps: ConfirmKeyBackupDeps): ConfirmKeyBackup {
  const { dataKeys, keyEncryptionKeys, keyBackups, clock } = deps;
  return async (caller, keyId, trace) => {
    requirePermission(caller, 'admin:write');
    requireWholeInstallation(caller);
    if (!encryptionKeyIdsOf(keyEncryptionKeys.ids, await dataKeys.list()).includes(keyId)) {
      throw BrokerError.of('not_found', 'There is no such encryption key.');
    }
    const backup = { keyId, confirmedAt: clock(), confirmedBy: caller.id };
    const details = { encryption_key_id: keyId };
    await keyBackups.confirm(
      backup,
      keyEvent('encryption.backup_confirmed', caller.id, backup.confirmedAt, details, trace),
    );
    return backup;
  };
}
