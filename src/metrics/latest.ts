/** Reads a value for scrapes: never twice at the same time, and within a bounded time. */
export interface Latest<T> {
  /** Null if it is unknown: the read failed, or has not ended in time. */
  value(): T | null;
  /** Reads the value unless it is recent enough. Resolves after `timeoutMs` at the latest, and never rejects. */
  refresh(): Promise<void>;
}

export interface LatestOptions<T> {
  read: () => Promise<T>;
  /** A value younger than this is not read again. 0 reads it at each scrape. */
  keepMs: number;
  /** A scrape waits no longer. The read goes on, and a later scrape has its result. */
  timeoutMs: number;
  elapsedMs: () => number;
}

export function createLatest<T>({ read, keepMs, timeoutMs, elapsedMs }: LatestOptions<T>): Latest<T> {
  let known: { value: T; at: number } | null = null;
  let running: Promise<void> | undefined;

  const isRecent = () => known !== null && elapsedMs() - known.at < keepMs;

  async function readOnce(): Promise<void> {
    try {
      const value = await read();
      known = { value, at: elapsedMs() };
    } catch {
      known = null;
    } finally {
      running = undefined;
    }
  }

  return {
    value: () => known?.value ?? null,
    async refresh() {
      if (isRecent()) return;
      running ??= readOnce();
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<'late'>((resolve) => {
        timer = setTimeout(() => resolve('late'), timeoutMs);
      });
      // An old value would hide that nothing can be read any more.
      if ((await Promise.race([running, timeout])) === 'late') known = null;
      clearTimeout(timer);
    },
  };
}
