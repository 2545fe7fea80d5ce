import type pg from 'pg';

/** SQLSTATEs of a conflict with another transaction: serialization failure and deadlock. Nothing was written. */
const conflicts = new Set(['40001', '40P01']);

/**
 * Runs a statement once more if it failed by a conflict outside a transaction. Inside one, the whole transaction is lost.
 * The status of the connection at that moment is the one before the statement, or already the one after it.
 */
export async function retryConflict<T>(
  client: Pick<pg.ClientBase, 'getTransactionStatus'>,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const isConflict = error instanceof Error && 'code' in error && conflicts.has(String(error.code));
    if (!isConflict || client.getTransactionStatus() !== 'I') throw error;
    return run();
  }
}
