/** Reads an iterable step by step. A step that takes too long can be waited for again. */
export interface Pull<T> {
  next(): Promise<IteratorResult<T>>;
  /** Resolves to undefined if the next item takes longer. It is then still the next one. */
  nextWithin(limitMs: number): Promise<IteratorResult<T> | undefined>;
  /** Ends the iterable, without waiting for an item that may never come. */
  end(): void;
}

export function createPull<T>(items: AsyncIterable<T>): Pull<T> {
  const iterator = items[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<T>> | undefined;

  function step(): Promise<IteratorResult<T>> {
    if (pending === undefined) {
      pending = iterator.next();
      // The failure belongs to the next call, also if that comes late or never.
      pending.catch(() => {});
    }
    return pending;
  }
  async function take(step: Promise<IteratorResult<T>>): Promise<IteratorResult<T>> {
    const result = await step;
    pending = undefined;
    return result;
  }
  return {
    next: () => take(step()),
    async nextWithin(limitMs) {
      const current = step();
      return (await isLate(current, limitMs)) ? undefined : take(current);
    },
    end: () => void iterator.return?.().catch(() => {}),
  };
}

function isLate(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), limitMs);
    const settle = () => {
      clearTimeout(timer);
      resolve(false);
    };
    promise.then(settle, settle);
  });
}
