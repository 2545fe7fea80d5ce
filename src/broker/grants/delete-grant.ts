import type { Actor } from '../../domain/callers/caller.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { Database } from '../../domain/ports/stores.ts';
import { eventOf } from '../audit-event.ts';
import { noSuchConnection } from '../no-such-connection.ts';

/** Deletes a grant of this organisation without revoking it. Throws connection_not_found, grant_not_found. */
export type DeleteGrant = (actor: Actor, name: string, grantId: string) => Promise<void>;

export interface DeleteGrantDeps {
  database: Database;
  clock: () => Date;
}

export function createDeleteGrant({ database, clock }: DeleteGrantDeps): DeleteGrant {
  return (actor, name, grantId) =>
    database.writeReserved(actor.organizationId, async ({ connections, grants, audit, consents }) => {
      const found = await connections.find(name);
      if (found === undefined) throw noSuchConnection(name);
      const { connection } = found;
      // A grant of another connection is not found, although the organisation owns it.
      const grant = await grants.find(connection.id, grantId);
      if (grant === undefined || !(await grants.delete(grantId))) {
        throw BrokerError.of('grant_not_found', `There is no such grant of ${name}.`);
      }
      const { subject, accountId } = grant;
      const now = clock();
      await consents.end(grantId, { by: 'deleted', actor: actor.caller.id, at: now });
      const details = { subject, account_id: accountId };
      await audit.append(eventOf(actor, now, { action: 'grant.deleted', connection, grantId, details }));
    });
}
