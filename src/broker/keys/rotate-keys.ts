import type { AuditEvent } from '../../domain/audit.ts';
import type { Trace } from '../../domain/callers/caller.ts';
import type { DataKeyMaker } from '../../domain/ports/keys.ts';
import type { KeyRotation, KeyRotationStore } from '../../domain/ports/maintenance/key-rotation.ts';
import type { NewId } from '../../domain/ports/tokens.ts';

/** Begins a rotation, or returns the active one. `makesDataKey`: false only wraps the data keys anew. */
export type RotateKeys = (
  startedBy: string,
  rotation: { makesDataKey: boolean },
  trace: Trace,
) => Promise<{ rotation: KeyRotation; isNew: boolean }>;

export interface RotateKeysDeps {
  rotations: Pick<KeyRotationStore, 'begin'>;
  dataKeyMaker: DataKeyMaker;
  newId: NewId;
  clock: () => Date;
}

export function createRotateKeys({ rotations, dataKeyMaker, newId, clock }: RotateKeysDeps): RotateKeys {
  return async (startedBy, { makesDataKey }, trace) => {
    const dataKey = makesDataKey ? await dataKeyMaker.make('introduced') : null;
    const { keyEncryptionKeyId: encryptionKeyId } = dataKeyMaker;
    const details = { encryption_key_id: encryptionKeyId, data_key_id: dataKey?.id ?? null };
    const startedAt = clock();
    const event = keyEvent('encryption.rotation_started', startedBy, startedAt, details, trace);
    return rotations.begin({ id: newId(), encryptionKeyId, startedBy, startedAt }, dataKey, event);
  };
}

/** Builds the event of a change of keys. It concerns no organisation. */
export function keyEvent(
  action: Extract<AuditEvent['action'], `encryption.${string}`>,
  actor: string,
  time: Date,
  details: AuditEvent['details'],
  trace: Trace = { requestId: null, address: null },
): AuditEvent {
  return {
    time,
    actor,
    action,
    organizationId: null,
    connectionId: null,
    connectionName: null,
    grantId: null,
    outcome: 'success',
    details,
    ...trace,
  };
}
