import type { Actor } from '../domain/caller.ts';
import type { Connection } from '../domain/connection.ts';
import { BrokerError } from '../domain/errors.ts';
import type { Grant } from '../domain/grant.ts';
import type { Database } from '../domain/ports/stores.ts';
import { eventOf } from './audit-event.ts';
import type { GrantSelector } from './grant-view.ts';
import { noSuchConnection } from './no-such-connection.ts';
import type { RevokeAtProvider } from './revoke-at-provider.ts';

/** Local state in any case; the provider is told after the commit. Throws connection_not_found, grant_not_found. */
export type RevokeGrants = (
  actor: Actor,
  name: string,
  selector: GrantSelector & { reason: string | null },
) => Promise<{ grantId: string; subject: string | null; accountId: string | null; revokedAtProvider: boolean }[]>;

export interface RevokeGrantsDeps {
  database: Database;
  revokeAtProvider: RevokeAtProvider;
  clock: () => Date;
}

export function createRevokeGrants(deps: RevokeGrantsDeps): RevokeGrants {
  return async (actor, name, selector) => {
    const { connection, revoked } = await revokeLocally(deps, actor, name, selector);
    const confirmed = await deps.revokeAtProvider(connection, revoked);
    return revoked.map(({ id, subject, accountId }) => ({
      grantId: id,
      subject,
      accountId,
      revokedAtProvider: confirmed.has(id),
    }));
  };
}

/** Answers the grants as they were, with the tokens that the provider still has to hear of. */
function revokeLocally(
  { database, clock }: RevokeGrantsDeps,
  actor: Actor,
  name: string,
  { subject, accountId, reason }: GrantSelector & { reason: string | null },
): Promise<{ connection: Connection; revoked: Grant[] }> {
  return database.write(actor.organizationId, async ({ connections, grants, audit }) => {
    const found = await connections.find(name);
    if (found === undefined) throw noSuchConnection(name);
    const { connection } = found;
    const revoked = await grants.lockMatching(connection.id, subject, accountId);
    if (revoked.length === 0 && (subject !== null || accountId !== null)) {
      throw BrokerError.of('grant_not_found', `There is no grant of ${name} for that subject and account.`);
    }
    const now = clock();
    for (const grant of revoked) {
      // Who revoked it first, and why, stays on record.
      if (grant.revokedAt !== null) continue;
      await grants.revoke(grant.id, { by: actor.caller.id, reason, now });
      const details = { subject: grant.subject, account_id: grant.accountId, reason };
      await audit.append(eventOf(actor, now, { action: 'grant.revoked', connection, grantId: grant.id, details }));
    }
    return { connection, revoked };
  });
}
