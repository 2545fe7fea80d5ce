import { type Authorization, outcomeOf } from '../../../domain/authorization.ts';
import { nextActionOfCause, reasonOfCause } from '../../../domain/authorization-outcome.ts';
import type { Actor } from '../../../domain/callers/caller.ts';
import type { Connection } from '../../../domain/connections/connection.ts';
import { BrokerError } from '../../../domain/errors.ts';
import { nextActionAfter } from '../../../domain/next-action.ts';
import type { Cipher } from '../../../domain/ports/cipher.ts';
import type { AddedRevocation } from '../../../domain/ports/maintenance/revocations.ts';
import type { Database, TransactionStores } from '../../../domain/ports/stores.ts';
import type { Tokens } from '../../../domain/ports/tokens.ts';
import type { ViewGrant } from '../../grants/grant-view.ts';
import type { RevokeAtOnce } from '../../revocations/revoke-at-once.ts';
import type { RevokeWaiting } from '../../revocations/revoke-waiting.ts';
import { openWaitingSecrets } from '../../waiting-tokens.ts';
import type { ConnectGrant } from '../connect-grant.ts';
import { type AuthorizationProgress, progressOf } from '../follow-authorization.ts';
import { failedBecause } from '../obtain-authorized-tokens.ts';
import { completedSettlement, failedSettlement } from '../record-callback.ts';
import { recordConfirmation } from './record-confirmation.ts';
import { AuthorizationAborted } from './refuse-other-account.ts';
import { contentOf } from './waiting-content.ts';

export interface Confirmation {
  /** Known to the session that started the authorization. */
  verifier: string;
  /** Known to the browser that completed the sign-in. */
  code: string;
}

/**
 * Makes the grant of tokens that wait for their confirmation. A wrong confirmation discards them. The same confirmation
 * again returns the same result. Throws not_found, confirmation_refused.
 */
export type ConfirmAuthorization = (
  actor: Actor,
  authorizationId: string,
  confirmation: Confirmation,
) => Promise<AuthorizationProgress>;

export interface ConfirmAuthorizationDeps {
  database: Database;
  connectGrant: ConnectGrant;
  revokeWaiting: RevokeWaiting;
  revokeAtOnce: RevokeAtOnce;
  viewGrant: ViewGrant;
  cipher: Cipher;
  tokens: Pick<Tokens, 'sha256' | 'sha256Text' | 'equal'>;
  clock: () => Date;
}

interface Decision {
  refusal: BrokerError | null;
  added: AddedRevocation[];
}

export function createConfirmAuthorization(deps: ConfirmAuthorizationDeps): ConfirmAuthorization {
  const { database, revokeAtOnce, viewGrant, clock } = deps;
  return async (actor, authorizationId, confirmation) => {
    const { organizationId } = actor;
    const decide = (settle: Settle) =>
      database.write(organizationId, (stores) =>
        decideLocked(deps, stores, actor, authorizationId, confirmation, settle),
      );
    const { refusal, added } = await decide(connect).catch((error: unknown) => {
      if (!(error instanceof AuthorizationAborted)) throw error;
      // The transaction of the grant was rolled back. The failure is recorded in one of its own.
      return decide((_deps, scene) => abandon(deps, scene, error));
    });
    await revokeAtOnce(added);
    if (refusal !== null) throw refusal;
    const stores = database.read(organizationId);
    const found = await stores.authorizations.findBound(authorizationId);
    if (found === undefined) throw unknown();
    return progressOf(stores, viewGrant, found, clock());
  };
}

interface Scene {
  stores: TransactionStores;
  actor: Actor;
  connection: Connection;
  authorization: Authorization;
}

/** Ends the wait of an authorization that was confirmed correctly. */
type Settle = (deps: ConfirmAuthorizationDeps, scene: Scene) => Promise<Decision>;

/** Decides on locked rows: of several confirmations at once, one makes the grant and the others find it made. */
async function decideLocked(
  deps: ConfirmAuthorizationDeps,
  stores: TransactionStores,
  actor: Actor,
  authorizationId: string,
  confirmation: Confirmation,
  settle: Settle,
): Promise<Decision> {
  const found = await stores.authorizations.findBound(authorizationId);
  const connection = found && (await stores.connections.lockForUse(found.authorization.connectionId));
  const authorization = found && (await stores.authorizations.lock(found.authorization.stateHash));
  if (connection === undefined || authorization === undefined) throw unknown();
  const scene = { stores, actor, connection, authorization };
  const isRight = matches(deps, authorization, confirmation);
  const outcome = outcomeOf(authorization, deps.clock());
  if (outcome === 'completed' && isRight) return { refusal: null, added: [] };
  if (outcome === 'awaiting_confirmation') return isRight ? settle(deps, scene) : discard(deps, scene);
  return { refusal: refusalOf(authorization, outcome), added: [] };
}

/** Compares both values whatever the first comparison says, in constant time. */
function matches(
  { tokens }: Pick<ConfirmAuthorizationDeps, 'tokens'>,
  { binding, waiting }: Authorization,
  { verifier, code }: Confirmation,
): boolean {
  if (binding === null || waiting === null) return false;
  const same = (text: string, hash: string) =>
    tokens.equal(tokens.sha256(tokens.sha256Text(text)), tokens.sha256(hash));
  const [isVerifier, isCode] = [same(verifier, binding.challenge), same(code, waiting.codeHash)];
  return isVerifier && isCode;
}

const connect: Settle = async ({ cipher, connectGrant, clock }, { stores, actor, connection, authorization }) => {
  if (!authorization.waiting?.sealed) throw new Error('an authorization waits without tokens');
  const secrets = openWaitingSecrets(cipher, authorization, authorization.waiting.sealed);
  const { obtained, before, address } = contentOf(secrets);
  const found = { authorization, connection };
  const { grantId, details } = await connectGrant(stores, found, obtained, before, address);
  await stores.authorizations.endWait(authorization.stateHash, completedSettlement(obtained.account, details));
  await recordConfirmation.completed(stores, actor, clock(), { ...found, grantId, obtained });
  return { refusal: null, added: [] };
};

/** Ends the wait after a wrong confirmation: another try could guess, and the right session has no reason to fail. */
async function discard(
  { revokeWaiting, clock }: ConfirmAuthorizationDeps,
  { stores, actor, connection, authorization }: Scene,
): Promise<Decision> {
  const added = await revokeWaiting(stores, connection, authorization);
  const cause = 'not_confirmed';
  const message = 'The verifier or the code of the confirmation was wrong. The tokens were discarded.';
  await endFailed(stores, authorization, { details: failedBecause(cause), message });
  await recordConfirmation.refused(stores, actor, clock(), { authorization, connection, cause });
  const refusal = BrokerError.with('confirmation_refused', `${message} Start a new authorization.`, {
    status_reason: reasonOfCause[cause],
    next_action: nextActionOfCause[cause],
  });
  return { refusal, added };
}

/** Ends the wait of tokens that may not be stored. They are never revoked: that could end a working grant. */
async function abandon(
  { clock }: ConfirmAuthorizationDeps,
  { stores, actor, connection, authorization }: Scene,
  reason: AuthorizationAborted,
): Promise<Decision> {
  const { details, message } = reason;
  await endFailed(stores, authorization, { details, message });
  await recordConfirmation.refused(stores, actor, clock(), { authorization, connection, cause: details.cause });
  const refusal = BrokerError.with('confirmation_refused', message, {
    status_reason: reasonOfCause[details.cause],
    next_action: nextActionOfCause[details.cause],
  });
  return { refusal, added: [] };
}

async function endFailed(
  { authorizations }: Pick<TransactionStores, 'authorizations'>,
  { stateHash }: Authorization,
  failure: Pick<AuthorizationAborted, 'details' | 'message'>,
): Promise<void> {
  await authorizations.endWait(stateHash, failedSettlement({ ...failure, error: null, errorDescription: null }));
}

function refusalOf(authorization: Authorization, outcome: ReturnType<typeof outcomeOf>): BrokerError {
  const { statusReason, error } = authorization;
  if (outcome === 'completed')
    return refused('This authorization was confirmed with another verifier or code.', null, 'none');
  if (outcome === 'expired')
    return refused('The authorization has expired. Start a new one.', 'authorization_expired', 'authorize');
  if (outcome === 'pending') return refused('The person has not finished the sign-in.', null, 'authorize');
  return refused('The authorization has failed. Start a new one.', statusReason, nextActionAfter('failed', error));
}

function refused(
  message: string,
  reason: Authorization['statusReason'],
  nextAction: ReturnType<typeof nextActionAfter>,
): BrokerError {
  return BrokerError.with('confirmation_refused', message, { status_reason: reason, next_action: nextAction });
}

function unknown(): BrokerError {
  return BrokerError.of('not_found', 'There is no authorization with that id.');
}
