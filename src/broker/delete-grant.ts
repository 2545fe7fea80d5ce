import type { Actor } from '../domain/caller.ts';
import { BrokerError } from '../domain/errors.ts';
import type { Database } from '../domain/ports/stores.ts';
import { eventOf } from './audit-event.ts';
import { noSuchConnection } from './no-such-connection.ts';

/** Forgets a grant of this organisation; the provider is not told. Throws connection_not_found, grant_not_found. */
export type DeleteGrant = (actor: Actor, name: string, grantId: string) => Promise<void>;

export interface DeleteGrantDeps {
  database: Database;
  clock: () => Date;
}

export function createDeleteGrant({ database, clock }: DeleteGrantDeps): DeleteGrant {
  return (actor, name, grantId) =>
    database.write(actor.organizationId, async ({ connections, grants, audit }) => {
      const found = await connections.find(name);
      if (found === undefined) throw noSuchConnection(name);
      const { connection } = found;
      // Named below the wrong connection it is not found, although the organisation owns it.
      const grant = (await grants.list(connection.id)).find(({ id }) => id === grantId);
      if (grant === undefined || !(await grants.delete(grantId))) {
        throw BrokerError.of('grant_not_found', `There is no such grant of ${name}.`);
      }
      const { subject, accountId } = grant;
      const details = { subject, account_id: accountId };
      await audit.append(eventOf(actor, clock(), { action: 'grant.deleted', connection, grantId, details }));
    });
}
