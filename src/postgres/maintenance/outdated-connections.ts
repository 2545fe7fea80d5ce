import type pg from 'pg';

/** Makes a pool replace every connection it has: idle ones at once, others when their user returns them. */
export type ReplaceConnections = () => void;

/**
 * Watches the connections of a pool. After a failover the address leads to another server, and connections that stay
 * open lead to the earlier one, which takes no writes.
 */
export function createReplaceConnections(pool: pg.Pool): ReplaceConnections {
  let generation = 0;
  const generationOf = new WeakMap<pg.PoolClient, number>();
  const isOutdated = (client: pg.PoolClient) => (generationOf.get(client) ?? generation) < generation;
  pool.on('connect', (client) => void generationOf.set(client, generation));
  pool.on('release', (_error, client) => {
    if (isOutdated(client)) setImmediate(endIdle);
  });

  function endIdle(): void {
    if (pool.ending) return;
    for (let count = pool.idleCount; count > 0; count -= 1) {
      pool.connect().then(
        (client) => client.release(isOutdated(client)),
        // The pool has found the connection broken, and has dropped it.
        () => undefined,
      );
    }
  }

  return () => {
    generation += 1;
    endIdle();
  };
}
