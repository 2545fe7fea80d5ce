import { Redis } from 'ioredis';
import type { Secret } from '../../domain/secret.ts';

/** Connection for counts of requests. Opens in the background, and again after a loss. */
export interface CountConnection {
  /** Client whose commands fail at once without a connection, and after `commandTimeoutMs` without a reply. */
  client: Redis;
  /** Prefix of all keys. Null before the first connection: until then, nothing is lost without Redis. */
  prefix(): string | null;
  /** Connects in the background. Called once. */
  start(installationId: string): void;
  close(): void;
}

const connectTimeoutMs = 2000;
/** Milliseconds that a request waits for Redis. A healthy server replies within a few; a longer wait slows down callers. */
const commandTimeoutMs = 250;
const maxReconnectPauseMs = 5000;

export function openCountConnection(url: Secret): CountConnection {
  let prefix: string | null = null;
  const client = new Redis(url.reveal(), {
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    commandTimeout: commandTimeoutMs,
    enableOfflineQueue: false,
    // A count that is sent again would count one request twice.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 1,
    retryStrategy: (attempt) => Math.min(100 * 2 ** attempt, maxReconnectPauseMs),
  });
  // The queue on the same server reports its loss. Without a listener, ioredis prints the error.
  client.on('error', () => {});
  return {
    client,
    prefix: () => prefix,
    start(installationId) {
      client.once('ready', () => {
        prefix = `token-broker:${installationId}:limits:`;
      });
      client.connect().catch(() => {});
    },
    close: () => client.disconnect(),
  };
}
