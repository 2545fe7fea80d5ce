import { setTimeout as sleep } from 'node:timers/promises';
import { type BrokerError, isBrokerError } from '../../domain/errors.ts';

/**
 * Runs one statement for a batch of items. Returns the results in the order of the items. A result is undefined if the
 * item has none, or if its row was locked and `waits` is false.
 */
export type RunTogether<Item, Result> = (
  items: readonly Item[],
  waits: boolean,
) => Promise<readonly (Result | undefined)[]>;

export interface BatchOptions {
  /** Pause in milliseconds after a batch of two or more calls, so that more calls join the next. A single call never waits. */
  restMs?: number;
}

interface Call<Item, Result> {
  item: Item;
  resolve: (result: Result | undefined) => void;
  reject: (error: unknown) => void;
}

/** Maximum number of items in a statement, which bounds its size. The remaining items go into the next batch. */
const maxBatch = 100;

/**
 * Combines calls into one statement if they are made in the same turn of the event loop or while a batch is running.
 * That is one round trip and one durable commit for all of them, and no delay for a single call.
 * A batch never waits for a row lock, so that no locked row delays the others and no two batches deadlock. An item that
 * the batch left out runs again in a statement of its own, which waits for the lock.
 * If a statement fails, each of its items runs in a statement of its own and gets its own error.
 */
export function createBatchedQuery<Item, Result>(
  runTogether: RunTogether<Item, Result>,
  { restMs = 0 }: BatchOptions = {},
): (item: Item) => Promise<Result | undefined> {
  let waiting: Call<Item, Result>[] = [];
  let isRunning = false;

  async function runAlone(item: Item): Promise<Result | undefined> {
    const [result] = await runTogether([item], true);
    return result;
  }

  function settleAlone({ item, resolve, reject }: Call<Item, Result>): void {
    runAlone(item).then(resolve, reject);
  }

  async function settle(calls: readonly Call<Item, Result>[]): Promise<void> {
    try {
      const results = await runTogether(
        calls.map(({ item }) => item),
        false,
      );
      for (const [n, call] of calls.entries()) {
        if (results[n] === undefined) settleAlone(call);
        else call.resolve(results[n]);
      }
    } catch (error) {
      // No retry: a commit whose reply was lost may have happened, and an unreachable server would get every item again.
      const isAway = isBrokerError(error, 'service_unavailable') && !mayBeOfOneRow(error);
      for (const call of calls) {
        if (isAway) call.reject(error);
        else settleAlone(call);
      }
    }
  }

  async function run(): Promise<void> {
    await nextTurn();
    while (waiting.length > 0) {
      const calls = waiting.slice(0, maxBatch);
      waiting = waiting.slice(maxBatch);
      await settle(calls);
      if (calls.length > 1 && restMs > 0) await sleep(restMs);
    }
    // Reset in this turn: a call between the last check and a later reset would never be run.
    isRunning = false;
  }

  return (item) => {
    const { promise, resolve, reject } = Promise.withResolvers<Result | undefined>();
    waiting.push({ item, resolve, reject });
    if (!isRunning) {
      isRunning = true;
      void run();
    }
    return promise;
  };
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Classes of SQLSTATEs that one row of a statement may cause although the server works: a lock, a conflict, a bad page. */
const classesOfOneRow = new Set(['40', '42', '55', 'XX']);

/** True for an error of a statement that the server refused as a whole, perhaps because of one row of many. */
function mayBeOfOneRow({ cause }: BrokerError): boolean {
  const isCoded = cause instanceof Error && 'code' in cause && typeof cause.code === 'string';
  return isCoded && classesOfOneRow.has(String(cause.code).slice(0, 2));
}
