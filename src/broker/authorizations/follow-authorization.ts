import { type Authorization, type AuthorizationOutcome, outcomeOf } from '../../domain/authorization.ts';
import { nextActionOfCause } from '../../domain/authorization-outcome.ts';
import type { Actor } from '../../domain/callers/caller.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { StatusReason } from '../../domain/grants/grant.ts';
import { connectionWarnings, type Warning } from '../../domain/grants/warnings.ts';
import { type NextAction, nextActionAfter } from '../../domain/next-action.ts';
import type { AuthorizationAndName, Database, Stores } from '../../domain/ports/stores.ts';
import type { Tokens } from '../../domain/ports/tokens.ts';
import type { ViewGrant } from '../grants/grant-view.ts';

export interface AuthorizationProgress {
  status: AuthorizationOutcome;
  statusReason: StatusReason | null;
  nextAction: NextAction;
  /** Error of the provider: its code, and its description in cleaned form. */
  error: string | null;
  errorDescription: string | null;
  connectionName: string;
  subject: string | null;
  accountId: string | null;
  accountName: string | null;
  /** Warnings of the connection, and of the grant that the authorization connected. */
  warnings: Warning[];
}

/**
 * Reads the progress of an authorization. Throws not_found for an unknown state and for one of another organisation.
 */
export type GetAuthorization = (actor: Actor, state: string) => Promise<AuthorizationProgress>;

export interface GetAuthorizationDeps {
  database: Pick<Database, 'read'>;
  tokens: Pick<Tokens, 'sha256Text'>;
  viewGrant: ViewGrant;
  clock: () => Date;
}

export function createGetAuthorization({ database, tokens, viewGrant, clock }: GetAuthorizationDeps): GetAuthorization {
  return async ({ organizationId }, state) => {
    const stores = database.read(organizationId);
    const found = await stores.authorizations.find(tokens.sha256Text(state));
    if (found === undefined) throw BrokerError.of('not_found', 'There is no authorization with that state.');
    return progressOf(stores, viewGrant, found, clock());
  };
}

export async function progressOf(
  stores: Pick<Stores, 'connections' | 'grants'>,
  viewGrant: ViewGrant,
  { authorization, connectionName }: AuthorizationAndName,
  now: Date,
): Promise<AuthorizationProgress> {
  const { details } = authorization;
  const status = outcomeOf(authorization, now);
  const isExchanging = status === 'pending' && authorization.status === 'testing';
  return {
    status,
    statusReason: status === 'expired' ? 'authorization_expired' : authorization.statusReason,
    nextAction:
      details?.kind === 'failed'
        ? nextActionOfCause[details.cause]
        : nextActionAfter(isExchanging ? 'testing' : status, authorization.error),
    error: authorization.error,
    errorDescription: authorization.errorDescription,
    connectionName,
    subject: authorization.subject,
    accountId: authorization.connectedAccountId ?? authorization.accountId,
    accountName: authorization.connectedAccountName,
    warnings: await warningsOf(stores, viewGrant, authorization, connectionName),
  };
}

async function warningsOf(
  { connections, grants }: Pick<Stores, 'connections' | 'grants'>,
  viewGrant: ViewGrant,
  { status, connectionId, subject, connectedAccountId }: Authorization,
  connectionName: string,
): Promise<Warning[]> {
  const connection = (await connections.find(connectionName))?.connection;
  // The organisation has since made a connection of its own with the same name.
  if (connection === undefined || connection.id !== connectionId) return [];
  if (status !== 'completed') return connectionWarnings(connection);
  const grant = await grants.findSlot({ connectionId, subject, accountId: connectedAccountId });
  return grant === undefined ? connectionWarnings(connection) : viewGrant(grant, connection).warnings;
}
