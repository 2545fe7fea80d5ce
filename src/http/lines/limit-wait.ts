/**
 * Passes the items on, and calls `onLate` if one takes longer than `limitMs` to arrive. The time that the reader takes
 * between two items does not count.
 */
export async function* limitWait<T>(items: AsyncIterable<T>, limitMs: number, onLate: () => void): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      const timer = setTimeout(onLate, limitMs);
      const next = await iterator.next().finally(() => clearTimeout(timer));
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
