import type { Actor } from '../../domain/callers/caller.ts';
import { BrokerError } from '../../domain/errors.ts';
import { noSuchConnection } from '../no-such-connection.ts';
import type { GrantView } from './grant-view.ts';
import type { ListGrantsDeps } from './list-grants.ts';

/** Reads one of this organisation's grants of a connection. Throws connection_not_found, grant_not_found. */
export type GetGrant = (actor: Actor, name: string, grantId: string) => Promise<GrantView>;

export function createGetGrant({ database, viewGrant }: ListGrantsDeps): GetGrant {
  return async ({ organizationId }, name, grantId) => {
    const { connections, grants } = database.read(organizationId);
    const found = await connections.find(name);
    if (found === undefined) throw noSuchConnection(name);
    const grant = await grants.find(found.connection.id, grantId);
    if (grant === undefined) throw BrokerError.of('grant_not_found', `There is no such grant of ${name}.`);
    return viewGrant(grant, found.connection);
  };
}
