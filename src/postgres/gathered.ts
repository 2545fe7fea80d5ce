import { setTimeout as sleep } from 'node:timers/promises';
import { isBrokerError } from '../domain/errors.ts';

/**
 * One statement for many. Answers in the order of the items; undefined where an item has no answer, or, unless `waits`,
 * where it would have had to wait for a lock.
 */
export type RunTogether<Item, Answer> = (
  items: readonly Item[],
  waits: boolean,
) => Promise<readonly (Answer | undefined)[]>;

export interface GatheringOptions {
  /** Where calls come in a stream, how long more of them are waited for after each batch. One that comes alone never waits. */
  restMs?: number;
}

interface Call<Item, Answer> {
  item: Item;
  resolve: (answer: Answer | undefined) => void;
  reject: (error: unknown) => void;
}

/** Bounds a statement's size; what is beyond it goes with the next. */
const mostTogether = 100;
/**
 * Calls made in one turn of the event loop, or while an earlier batch is under way, become one statement: one round trip
 * and one durable commit for all of them, and no delay for a call that comes alone. What a batch left out is asked again
 * by itself and waits for its lock then: a batch never does, so that no row holds up the others and no two batches wait
 * for each other. An error of one item spoils the statement; each then has a statement, and an error, of its own.
 */
export function createGathered<Item, Answer>(
  runTogether: RunTogether<Item, Answer>,
  { restMs = 0 }: GatheringOptions = {},
): (item: Item) => Promise<Answer | undefined> {
  let waiting: Call<Item, Answer>[] = [];
  let isRunning = false;

  async function askAlone(item: Item): Promise<Answer | undefined> {
    const [answer] = await runTogether([item], true);
    return answer;
  }

  function settleAlone({ item, resolve, reject }: Call<Item, Answer>): void {
    askAlone(item).then(resolve, reject);
  }

  async function settle(calls: readonly Call<Item, Answer>[]): Promise<void> {
    try {
      const answers = await runTogether(
        calls.map(({ item }) => item),
        false,
      );
      for (const [n, call] of calls.entries()) {
        if (answers[n] === undefined) settleAlone(call);
        else call.resolve(answers[n]);
      }
    } catch (error) {
      // A commit that was cut off may have happened, and a server that is away would be asked a hundred times.
      const isAway = isBrokerError(error, 'service_unavailable');
      for (const call of calls) {
        if (isAway) call.reject(error);
        else settleAlone(call);
      }
    }
  }

  async function run(): Promise<void> {
    await nextTurn();
    while (waiting.length > 0) {
      const calls = waiting.slice(0, mostTogether);
      waiting = waiting.slice(mostTogether);
      await settle(calls);
      if (calls.length > 1 && restMs > 0) await sleep(restMs);
    }
    // At once, not in a later turn: a call in between would wait for a batch that nobody starts.
    isRunning = false;
  }

  return (item) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer | undefined>();
    waiting.push({ item, resolve, reject });
    if (!isRunning) {
      isRunning = true;
      void run();
    }
    return promise;
  };
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
