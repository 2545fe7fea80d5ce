import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import type { GetConnection } from '../../broker/connections/read-connections.ts';
import type { Actor } from '../../domain/callers/caller.ts';
import { isBrokerError } from '../../domain/errors.ts';

/** Reads connections of the organisation by name. Leaves out those that do not exist. */
export async function findConnections(
  getConnection: GetConnection,
  actor: Actor,
  names: readonly (string | null)[],
): Promise<Map<string, ConnectionView>> {
  const wanted = [...new Set(names)].filter((name) => name !== null);
  const found = await Promise.all(
    wanted.map(async (name) => {
      try {
        return [[name, await getConnection(actor, name)] as const];
      } catch (error) {
        if (isBrokerError(error, 'connection_not_found')) return [];
        throw error;
      }
    }),
  );
  return new Map(found.flat());
}
