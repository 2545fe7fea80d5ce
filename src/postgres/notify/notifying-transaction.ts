import type { Kysely, Transaction } from 'kysely';
import type { Tables } from '../tables.ts';
import type { Channel, Notifications, NotifyLocally } from './channels.ts';
import { notifyOnCommit } from './notifier.ts';

/** Queues a notification that every process receives when the transaction commits. */
export type Notify = <C extends Channel>(channel: C, payload: Notifications[C]) => Promise<void>;

/**
 * Runs a transaction whose notifications reach the other processes with its commit. The subscribers in this process run
 * after the commit and before the result is returned. A later request to this process never sees a stale cache.
 */
export async function notifyingTransaction<T>(
  db: Kysely<Tables>,
  notifyLocally: NotifyLocally,
  work: (transaction: Transaction<Tables>, notify: Notify) => Promise<T>,
): Promise<T> {
  const committed: (() => void)[] = [];
  const result = await db.transaction().execute((transaction) =>
    work(transaction, async (channel, payload) => {
      await notifyOnCommit(channel, payload).execute(transaction);
      committed.push(() => notifyLocally(channel, payload));
    }),
  );
  for (const notifyHere of committed) notifyHere();
  return result;
}
