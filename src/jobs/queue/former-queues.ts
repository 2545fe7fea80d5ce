import { type IQueueBackend, RedisQueueBackend } from 'bullmq';

/** Pattern of the keys of version 0.1 in Redis, which belong to no installation. */
export const formerKeys = 'token-broker:token-broker-*';
const formerMeta = 'token-broker:token-broker-periodic:meta';

/**
 * Checks whether Redis holds queues of version 0.1. They stay: processes of that version, or of another installation,
 * may still use them. Their jobs need not be moved, because Postgres knows which grants are due.
 */
export async function hasFormerQueues(backend: IQueueBackend): Promise<boolean> {
  if (!(backend instanceof RedisQueueBackend)) return false;
  try {
    const client = await backend.client;
    return Object.keys(await client.hgetall(formerMeta)).length > 0;
  } catch {
    // The user of this installation may be limited to its own keys.
    return false;
  }
}
