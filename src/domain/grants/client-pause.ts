const minute = 60_000;

/**
 * Limits of the pause of a connection whose client is refused. Fewer refusals, or those of one grant among several, may
 * be the fault of that grant. Below a global connection, those of one organisation among several may be its own fault:
 * its administrator at the provider can block the client.
 */
export interface ClientPauseRule {
  /** Refusals since the last success that begin a pause. */
  refusals: number;
  /** Grants that must have seen them, as far as the connection has so many. */
  grants: number;
  /** Length of the first pause. Each later one is twice as long. */
  firstMs: number;
  maxMs: number;
}

export const clientPauseRule: ClientPauseRule = { refusals: 3, grants: 2, firstMs: minute, maxMs: 60 * minute };
