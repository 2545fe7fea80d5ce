import type { Logger } from 'pino';
import type { BrokerPorts } from '../../broker/assembly/broker-ports.ts';

/** Logs the end of rotations, and the values that do not open. */
export function logKeys(log: Logger): Pick<BrokerPorts, 'onUnreadableValue' | 'onKeysRotated'> {
  return {
    onUnreadableValue: (place, key, error) => log.error({ place, row: key, err: error }, 'sealed value does not open'),
    onKeysRotated: ({ encryptionKeyId, dataKeyId, resealed, unreadable }) =>
      log.info({ encryption_key_id: encryptionKeyId, data_key_id: dataKeyId, resealed, unreadable }, 'keys rotated'),
  };
}
