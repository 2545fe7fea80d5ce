import { z } from 'zod';
import type { EncryptionState } from '../../../broker/keys/read-encryption.ts';
import { type KeyRotation, sealedPlaces } from '../../../domain/ports/maintenance/key-rotation.ts';
import { queryBoolean, time } from '../fields/text.ts';

const count = z.int().min(0);

export const wantedRotation = z
  .strictObject({
    data_key: z
      .boolean()
      .default(true)
      .describe(
        'False only wraps the data keys with the first key of ENCRYPTION_KEYS. No stored secret is sealed anew.',
      ),
  })
  .meta({ id: 'WantedKeyRotation' });

export const retireQuery = z.object({
  abandon_ended: queryBoolean(false).describe(
    'Ended processes no longer count: their data directories are gone, with the unsaved tokens in them.',
  ),
});

const rotation = z
  .object({
    id: z.string(),
    state: z
      .enum(['distributing', 'resealing', 'finished'])
      .describe('distributing: waits until every live process holds the keys. resealing: secrets are sealed anew.'),
    encryption_key_id: z.string().describe('Key of ENCRYPTION_KEYS that wraps the data keys.'),
    data_key_id: z.string().nullable().describe('The new data key; null if there is none.'),
    started_by: z.string().describe('Id of the caller, or broker if the data key had sealed 2^31 values.'),
    started_at: time,
    finished_at: time.nullable(),
    waits_for: z.array(z.string()).describe('Ids of the processes that do not use the keys yet.'),
    pass: count.describe('Number of the pass over all stored secrets.'),
    place: z.enum(sealedPlaces).nullable().describe('Column that the pass has reached.'),
    examined: count.describe('Rows examined, over all passes.'),
    resealed: count.describe('Secrets sealed anew.'),
    contended: count.describe('Secrets of this pass that another write held. The next pass examines them again.'),
    unreadable: count.describe('Secrets of this pass that do not open. The log names their rows.'),
  })
  .meta({ id: 'KeyRotation' });

export const startedRotation = z
  .object({ is_new: z.boolean().describe('False if a rotation was active.'), rotation })
  .meta({ id: 'StartedKeyRotation' });

export const encryption = z
  .object({
    encryption_key_id: z.string().describe('First key of ENCRYPTION_KEYS of the process that answers.'),
    encryption_keys: z.array(
      z.object({
        id: z.string(),
        is_held: z.boolean().describe('Whether the process that answers holds the key.'),
        data_keys: count.describe('Data keys that it wraps. The key can leave ENCRYPTION_KEYS when this is 0.'),
        backup_confirmed_at: time
          .nullable()
          .describe('Time at which an administrator confirmed in the console that the key has a backup.'),
      }),
    ),
    data_keys: z.array(
      z.object({
        id: z.string(),
        state: z
          .enum(['introduced', 'sealing', 'opening'])
          .describe('introduced: processes load it. sealing: seals new secrets. opening: only opens older ones.'),
        encryption_key_id: z.string(),
        seals: count.describe('Secrets sealed so far. At 2^31 the data key is replaced.'),
        created_at: time,
        sealed_until: time.nullable(),
      }),
    ),
    processes: z.array(
      z.object({
        id: z.string(),
        host: z.string(),
        is_live: z.boolean().describe('False if the process ended, or does not reach the database.'),
        seen_at: time,
        encryption_key_ids: z.array(z.string()),
        data_key_ids: z.array(z.string()),
        sealing_data_key_id: z.string().nullable().describe('Null while the process starts.'),
        unsaved_data_key_ids: z.array(z.string()).describe('Data keys of tokens that wait in its data directory.'),
      }),
    ),
    rotation: rotation.nullable().describe('The active rotation, or the last one.'),
  })
  .meta({ id: 'Encryption' });

export function fromRotation(state: KeyRotation, waitsFor: readonly string[]): z.input<typeof rotation> {
  const { pass, place, examined, resealed, contended, unreadable } = state;
  return {
    id: state.id,
    state: state.state,
    encryption_key_id: state.encryptionKeyId,
    data_key_id: state.dataKeyId,
    started_by: state.startedBy,
    started_at: state.startedAt.toISOString(),
    finished_at: state.finishedAt?.toISOString() ?? null,
    waits_for: [...waitsFor],
    pass,
    place,
    examined,
    resealed,
    contended,
    unreadable,
  };
}

export function fromEncryption(state: EncryptionState): z.input<typeof encryption> {
  return {
    encryption_key_id: state.encryptionKeyId,
    encryption_keys: state.encryptionKeyIds.map(({ id, isHeld, dataKeys, backupConfirmedAt }) => ({
      id,
      is_held: isHeld,
      data_keys: dataKeys,
      backup_confirmed_at: backupConfirmedAt?.toISOString() ?? null,
    })),
    data_keys: state.dataKeys.map((key) => ({
      id: key.id,
      state: key.state,
      encryption_key_id: key.keyEncryptionKeyId,
      seals: key.seals,
      created_at: key.createdAt.toISOString(),
      sealed_until: key.sealedUntil?.toISOString() ?? null,
    })),
    processes: state.processes.map((process) => ({
      id: process.id,
      host: process.host,
      is_live: process.isLive,
      seen_at: process.seenAt.toISOString(),
      encryption_key_ids: process.encryptionKeyIds,
      data_key_ids: process.dataKeyIds,
      sealing_data_key_id: process.sealingKeyId,
      unsaved_data_key_ids: process.spooledKeyIds,
    })),
    rotation: state.rotation === null ? null : fromRotation(state.rotation, state.waitsFor),
  };
}
