import type pg from 'pg';

/** Part of a pool that hands out connections. */
export type ConnectionSource = Pick<pg.Pool, 'connect' | 'options' | 'end'>;

/**
 * Takes connections of the pool, and the reserved one while none of them is free. Revocations use it: they must not
 * wait for queries of other work. Ending it ends neither pool.
 */
export function createReservedConnection(pool: pg.Pool, reserved: pg.Pool): ConnectionSource {
  return {
    options: pool.options,
    end: async () => {},
    // pg counts a request as waiting at once, so two requests in the same turn never share the last free connection.
    connect: (() => (hasFree(pool) ? pool.connect() : reserved.connect())) as pg.Pool['connect'],
  };
}

function hasFree({ waitingCount, idleCount, totalCount, options }: pg.Pool): boolean {
  return waitingCount === 0 && (idleCount > 0 || totalCount < options.max);
}
