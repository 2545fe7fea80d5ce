import type { LeasedGrant, RefreshStore } from '../../domain/ports/engine.ts';

/**
 * Runs work under a lease and gives the lease back if the work throws, so that no process waits for it to lapse. Only
 * for work that sends nothing to the provider: release restores the intent, and the holder after a request was sent
 * must learn that the token may be spent. Throws the error of the work, whatever the release does.
 */
export async function releaseOnError<T>(
  store: Pick<RefreshStore, 'release'>,
  leased: LeasedGrant,
  owner: string,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // Best effort: the lease lapses by itself, and the caller needs the first error.
    await store.release(leased, owner).catch(() => undefined);
    throw error;
  }
}
