/**
 * Yields the items, and undefined whenever the next one takes longer than `intervalMs`. A blank line keeps an import
 * open while its source waits, for example for a rate limit to end.
 */
export async function* keepOpen<T>(items: AsyncIterable<T>, intervalMs: number): AsyncGenerator<T | undefined> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = iterator.next();
      let settled = await within(next, intervalMs);
      while (settled === undefined) {
        yield undefined;
        settled = await within(next, intervalMs);
      }
      if (settled.done === true) return;
      yield settled.value;
    }
  } finally {
    await iterator.return?.();
  }
}

/** Resolves to undefined if the promise takes longer. A rejection passes through. */
function within<T>(promise: Promise<T>, limitMs: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), limitMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
