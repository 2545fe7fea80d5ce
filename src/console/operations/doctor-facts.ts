import type { Readiness, ServiceHealth } from '../../broker/administration/read-health.ts';
import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import type { EncryptionState } from '../../broker/keys/read-encryption.ts';
import type { Encryption } from '../../doctor/checks/keys.ts';
import type { Endpoint, Health, Readiness as ReadinessFacts } from '../../doctor/ground.ts';

/** Names the members as the API does, which the checks read. */
export function healthFacts(health: ServiceHealth, version: string, now: Date): Health {
  return {
    status: health.status,
    version,
    timestamp: now.toISOString(),
    database: health.database,
    queue: health.queue,
    queue_failure: health.queueFailure,
    workers: health.workers,
    last_sweep_at: health.lastSweepAt?.toISOString() ?? null,
    unsaved_tokens: health.unsavedTokens,
    refresh_mode: health.refreshMode,
  };
}

export function readinessFacts({ database, migrated, keyProven, reason }: Readiness): ReadinessFacts {
  return { database, migrated, key_proven: keyProven, reason };
}

export function encryptionFacts(state: Omit<EncryptionState, 'dataKeys' | 'waitsFor'>): Encryption {
  return {
    encryption_key_id: state.encryptionKeyId,
    encryption_keys: state.encryptionKeyIds.map(({ id, isHeld, dataKeys, backupConfirmedAt }) => ({
      id,
      is_held: isHeld,
      data_keys: dataKeys,
      backup_confirmed_at: backupConfirmedAt?.toISOString() ?? null,
    })),
    processes: state.processes.map((process) => ({
      id: process.id,
      host: process.host,
      is_live: process.isLive,
      encryption_key_ids: [...process.encryptionKeyIds],
      unsaved_data_key_ids: [...process.spooledKeyIds],
    })),
    rotation: state.rotation && { unreadable: state.rotation.unreadable },
  };
}

export function endpointsOf(connections: readonly ConnectionView[]): Endpoint[] {
  return connections.flatMap(({ connection, tokenUrl, lastError }) =>
    tokenUrl === null
      ? []
      : [
          {
            connection: connection.name,
            tokenUrl,
            lastError: lastError && {
              class: lastError.class,
              error: lastError.error,
              error_description: lastError.errorDescription,
              http_status: lastError.httpStatus,
            },
          },
        ],
  );
}
