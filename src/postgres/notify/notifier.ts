import { setTimeout as sleep } from 'node:timers/promises';
import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';
import type pg from 'pg';
import { unnestRows } from '../batch/unnest-rows.ts';
import type { Channel, Notifications, NotifyLocally } from './channels.ts';

/**
 * Builds a notification that Postgres delivers exactly once, when the transaction commits. Such transactions commit one
 * after the other, so only changes that must not be missed use it: revocation, deletion and edits.
 */
export function notifyOnCommit<C extends Channel>(channel: C, payload: Notifications[C]): RawBuilder<unknown> {
  return sql`select pg_notify(${channel}, ${JSON.stringify(payload)})`;
}

export interface Notifier {
  /** Calls the subscribers in this process before it returns. The other processes follow, best effort. */
  notify<C extends Channel>(channel: C, payload: Notifications[C]): void;
  /** Resolves when every earlier notification was sent or has failed. */
  flush(): Promise<void>;
}

/** Pause in milliseconds after a batch of two or more notifications, so that more join the next batch. */
const restMs = 2;
const notifications = unnestRows<[channel: string, payload: string]>('notifications', [
  ['channel', 'text', ([channel]) => channel],
  ['payload', 'text', ([, payload]) => payload],
]);

/**
 * Sends notifications of committed changes in batches. A notification inside each transaction would serialize the
 * commits of refreshes. Best effort: a process that waits for a change also polls the row.
 */
export function createNotifier(deps: {
  pool: pg.Pool;
  notifyLocally: NotifyLocally;
  onError: (error: unknown) => void;
}): Notifier {
  let waiting = new Map<string, [string, string]>();
  let running: Promise<void> | undefined;

  async function flushWaiting(): Promise<void> {
    while (waiting.size > 0) {
      const batch = [...waiting.values()];
      waiting = new Map();
      try {
        await deps.pool.query({
          name: 'notify',
          text: `select pg_notify(channel, payload) from ${notifications.text}`,
          values: notifications.values(batch),
        });
      } catch (error) {
        deps.onError(error);
      }
      if (batch.length > 1) await sleep(restMs);
    }
    // Reset in this turn: a notification between the last check and a later reset would never be sent.
    running = undefined;
  }

  return {
    notify(channel, payload) {
      deps.notifyLocally(channel, payload);
      const text = JSON.stringify(payload);
      waiting.set(`${channel} ${text}`, [channel, text]);
      running ??= flushWaiting();
    },
    async flush() {
      await running;
    },
  };
}
