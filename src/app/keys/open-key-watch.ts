import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Broker } from '../../broker/assembly/create-broker.ts';
import type { Config } from '../../config.ts';
import type { DeferredCipher } from '../../crypto/deferred-cipher.ts';
import type { KeyEncryptionKeys } from '../../domain/ports/keys.ts';
import type { Instance } from '../../embedded/instance.ts';
import { createSpool } from '../../embedded/spool.ts';
import type { Postgres } from '../../postgres/postgres.ts';
import { reportUnexpected } from '../report-unexpected.ts';
import { createKeyWatch, type KeyWatch } from './key-watch.ts';

export interface WatchedKeys {
  config: Pick<Config, 'role'>;
  log: Logger;
  postgres: Postgres;
  cipher: DeferredCipher;
  keyEncryptionKeys: KeyEncryptionKeys;
  instance: Instance;
  onError: (error: unknown) => void;
}

/** Builds the watch of this process. `broker` is called once the process runs. */
export function openKeyWatch(parts: WatchedKeys, broker: () => Broker): KeyWatch {
  const { config, log, postgres, cipher, keyEncryptionKeys, instance, onError } = parts;
  return createKeyWatch({
    postgres,
    keyEncryptionKeys,
    cipher,
    // A file that cannot be read is logged when it is recovered.
    spool: createSpool(instance.directory, () => undefined),
    process: { id: instance.id, host: hostname() },
    continueRotation: config.role === 'api' ? undefined : () => broker().continueRotation(),
    replaceDataKey: () => broker().rotateKeys('broker', { makesDataKey: true }, { requestId: null, address: null }),
    log,
    onError: reportUnexpected(onError),
  });
}
