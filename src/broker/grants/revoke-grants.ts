import type { Actor } from '../../domain/callers/caller.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grants/grant.ts';
import type { AddedRevocation } from '../../domain/ports/maintenance/revocations.ts';
import type { OAuthGateway } from '../../domain/ports/oauth.ts';
import type { Database } from '../../domain/ports/stores.ts';
import { eventOf } from '../audit-event.ts';
import { noSuchConnection } from '../no-such-connection.ts';
import { firstAttemptMs, type RevokeAtOnce } from '../revocations/revoke-at-once.ts';
import { mayRevoke } from '../revocations/send-revocation.ts';
import type { GrantSelector } from './grant-view.ts';

/**
 * Revokes grants locally, then at the provider after the commit. What the provider does not confirm at once stays pending
 * and is repeated. Throws connection_not_found, grant_not_found.
 */
export type RevokeGrants = (
  actor: Actor,
  name: string,
  selector: GrantSelector & { reason: string | null },
) => Promise<{ grantId: string; subject: string | null; accountId: string | null; revokedAtProvider: boolean }[]>;

export interface RevokeGrantsDeps {
  database: Database;
  oauth: Pick<OAuthGateway, 'endpoints'>;
  revokeAtOnce: RevokeAtOnce;
  clock: () => Date;
}

export function createRevokeGrants(deps: RevokeGrantsDeps): RevokeGrants {
  return async (actor, name, selector) => {
    const { revoked, added } = await revokeLocally(deps, actor, name, selector);
    const confirmed = await deps.revokeAtOnce(added);
    return revoked.map(({ id, subject, accountId }) => ({
      grantId: id,
      subject,
      accountId,
      revokedAtProvider: confirmed.has(id),
    }));
  };
}

/** Revokes in the database. Returns the grants as they were, and the revocations to make at the provider. */
function revokeLocally(
  { database, oauth, clock }: RevokeGrantsDeps,
  actor: Actor,
  name: string,
  { subject, accountId, reason }: GrantSelector & { reason: string | null },
): Promise<{ revoked: Grant[]; added: AddedRevocation[] }> {
  return database.writeReserved(actor.organizationId, async ({ connections, grants, audit, consents, revocations }) => {
    const found = await connections.find(name);
    if (found === undefined) throw noSuchConnection(name);
    const { connection } = found;
    const revoked = await grants.lockMatching(connection.id, subject, accountId);
    if (revoked.length === 0 && (subject !== null || accountId !== null)) {
      throw BrokerError.of('grant_not_found', `There is no grant of ${name} for that subject and account.`);
    }
    const now = clock();
    const sent = revoked.filter((grant) => grant.sealedTokens !== null && mayRevoke(oauth, connection, grant));
    const times = { now, dueAt: new Date(now.getTime() + firstAttemptMs) };
    // Before the grants lose their tokens.
    const added = await revocations.add(
      connection,
      sent.map(({ id }) => id),
      times,
    );
    for (const grant of revoked) {
      // The first revocation and its reason stay on record.
      if (grant.revokedAt !== null) continue;
      await grants.revoke(grant.id, { by: actor.caller.id, reason, now });
      await consents.end(grant.id, { by: 'revoked', actor: actor.caller.id, at: now });
      const details = { subject: grant.subject, account_id: grant.accountId, reason };
      await audit.append(eventOf(actor, now, { action: 'grant.revoked', connection, grantId: grant.id, details }));
    }
    return { revoked, added };
  });
}
