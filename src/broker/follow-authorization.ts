import { type AuthorizationOutcome, outcomeOf } from '../domain/authorization.ts';
import type { Actor } from '../domain/caller.ts';
import { BrokerError } from '../domain/errors.ts';
import type { StatusReason } from '../domain/grant.ts';
import type { Database } from '../domain/ports/stores.ts';
import type { Tokens } from '../domain/ports/tokens.ts';
import { eventOf } from './audit-event.ts';
import { noSuchConnection } from './no-such-connection.ts';

export interface AuthorizationProgress {
  status: AuthorizationOutcome;
  statusReason: StatusReason | null;
  connectionName: string;
  subject: string | null;
  accountId: string | null;
}

/** For whoever waits on a person. Throws not_found for a state that is unknown or another organisation's. */
export type GetAuthorization = (actor: Actor, state: string) => Promise<AuthorizationProgress>;

export interface GetAuthorizationDeps {
  database: Pick<Database, 'read'>;
  tokens: Pick<Tokens, 'sha256Text'>;
  clock: () => Date;
}

export function createGetAuthorization({ database, tokens, clock }: GetAuthorizationDeps): GetAuthorization {
  return async ({ organizationId }, state) => {
    const found = await database.read(organizationId).authorizations.find(tokens.sha256Text(state));
    if (found === undefined) throw BrokerError.of('not_found', 'There is no authorization with that state.');
    const { authorization, connectionName } = found;
    const status = outcomeOf(authorization, clock());
    return {
      status,
      statusReason: status === 'expired' ? 'authorization_expired' : authorization.statusReason,
      connectionName,
      subject: authorization.subject,
      accountId: authorization.connectedAccountId ?? authorization.accountId,
    };
  };
}

/** Voids the pending trips of that subject. Throws connection_not_found. How many were pending. */
export type CancelAuthorization = (actor: Actor, name: string, subject: string | null) => Promise<number>;

export interface CancelAuthorizationDeps {
  database: Database;
  clock: () => Date;
}

export function createCancelAuthorization({ database, clock }: CancelAuthorizationDeps): CancelAuthorization {
  return (actor, name, subject) =>
    database.write(actor.organizationId, async ({ connections, authorizations, audit }) => {
      const found = await connections.find(name);
      if (found === undefined) throw noSuchConnection(name);
      const now = clock();
      const cancelled = await authorizations.cancelPending(found.connection.id, subject, now);
      if (cancelled > 0) {
        const details = { subject, cancelled };
        const { connection } = found;
        await audit.append(eventOf(actor, now, { action: 'authorization.cancelled', connection, details }));
      }
      return cancelled;
    });
}
