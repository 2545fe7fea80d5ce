import type { Kysely, Transaction } from 'kysely';
import type { Channel, Deliver, Notifications } from './channels.ts';
import { notifyOnCommit } from './notifier.ts';
import type { Tables } from './tables.ts';

/** Tells every process, if and when the transaction commits. */
export type Announce = <C extends Channel>(channel: C, payload: Notifications[C]) => Promise<void>;

/**
 * A transaction whose announcements reach the other processes with its commit, and this one's own subscribers after the
 * commit and before the caller hears of it: what this process has answered, it also knows.
 */
export async function announcingTransaction<T>(
  db: Kysely<Tables>,
  deliver: Deliver,
  work: (transaction: Transaction<Tables>, announce: Announce) => Promise<T>,
): Promise<T> {
  const announced: (() => void)[] = [];
  const result = await db.transaction().execute((transaction) =>
    work(transaction, async (channel, payload) => {
      await notifyOnCommit(channel, payload).execute(transaction);
      announced.push(() => deliver(channel, payload));
    }),
  );
  for (const tell of announced) tell();
  return result;
}
