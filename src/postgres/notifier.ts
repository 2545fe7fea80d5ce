import { setTimeout as sleep } from 'node:timers/promises';
import type { RawBuilder } from 'kysely';
import { sql } from 'kysely';
import type pg from 'pg';
import type { Channel, Deliver, Notifications } from './channels.ts';
import { givenRows } from './given-rows.ts';

/** Part of the statement's transaction: delivered if and when it commits, exactly once. Serializes commits, so only for what must be exact. */
export function notifyOnCommit<C extends Channel>(channel: C, payload: Notifications[C]): RawBuilder<unknown> {
  return sql`select pg_notify(${channel}, ${JSON.stringify(payload)})`;
}

export interface Notifier {
  /** This process's own subscribers are told before it returns. */
  send<C extends Channel>(channel: C, payload: Notifications[C]): void;
  /** Resolves when what was sent before has been delivered, or given up. */
  flush(): Promise<void>;
}

/** Where notifications come in a stream, how long more of them are waited for; one that comes alone never waits. */
const restMs = 2;
const given = givenRows<[channel: string, payload: string]>('given', [
  ['channel', 'text', ([channel]) => channel],
  ['payload', 'text', ([, payload]) => payload],
]);

/**
 * Notifications of what is already committed, gathered while an earlier batch is on its way: a notification inside each
 * transaction would serialize the commits of refreshes. Best effort; whoever waits also polls.
 */
export function createNotifier(deps: { pool: pg.Pool; deliver: Deliver; onError: (error: unknown) => void }): Notifier {
  let waiting = new Map<string, [string, string]>();
  let running: Promise<void> | undefined;

  async function deliver(): Promise<void> {
    while (waiting.size > 0) {
      const batch = [...waiting.values()];
      waiting = new Map();
      try {
        await deps.pool.query({
          name: 'notify',
          text: `select pg_notify(channel, payload) from ${given.text}`,
          values: given.values(batch),
        });
      } catch (error) {
        deps.onError(error);
      }
      if (batch.length > 1) await sleep(restMs);
    }
    // At once, not in a later turn: a send in between would wait for a batch that nobody starts.
    running = undefined;
  }

  return {
    send(channel, payload) {
      deps.deliver(channel, payload);
      const text = JSON.stringify(payload);
      waiting.set(`${channel} ${text}`, [channel, text]);
      running ??= deliver();
    },
    async flush() {
      await running;
    },
  };
}
