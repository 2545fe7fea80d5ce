import type { Secret } from '../../domain/secret.ts';
import { proveWrites } from './queue-connections.ts';
import { openQueueServer, queueNames } from './queue-server.ts';

/**
 * Creates everything that the queues of these owners need in the database, as the role of the URL. Writes to each queue
 * once: the first write creates the sequence of its job ids, which a role without the privilege to create cannot.
 */
export async function prepareQueues(databaseUrl: Secret, owners: readonly string[]): Promise<void> {
  for (const owner of owners) {
    const server = await openQueueServer({ databaseUrl }, owner);
    for (const name of queueNames) {
      const queue = server.openQueue(name);
      // The failed call reports the error too. Without a listener the event would end the process.
      queue.on('error', () => {});
      try {
        await queue.waitUntilReady();
        await proveWrites(queue);
      } finally {
        await queue.close();
      }
    }
  }
}
