import type { FailureCause } from '../../../domain/authorization-outcome.ts';
import type { Actor } from '../../../domain/callers/caller.ts';
import type { AuthorizationWithConnection } from '../../../domain/ports/callers.ts';
import type { TransactionStores } from '../../../domain/ports/stores.ts';
import { eventOf } from '../../audit-event.ts';
import type { ObtainedTokens } from '../obtain-authorized-tokens.ts';

type Audit = Pick<TransactionStores, 'audit'>;

/** Records confirmations in the audit trail, within the transaction that ends the wait. */
export const recordConfirmation = {
  async completed(
    { audit }: Audit,
    actor: Actor,
    now: Date,
    {
      authorization,
      connection,
      grantId,
      obtained,
    }: AuthorizationWithConnection & { grantId: string; obtained: ObtainedTokens },
  ): Promise<void> {
    const { subject, scopes } = authorization;
    const details = { subject, final_status: 'completed' };
    await audit.append(eventOf(actor, now, { action: 'authorization.confirmed', connection, grantId, details }));
    const consent = {
      subject,
      account_id: obtained.account?.id ?? null,
      requested_scopes: scopes,
      scopes: obtained.response.scopes ?? scopes,
    };
    await audit.append(eventOf(actor, now, { action: 'grant.connected', connection, grantId, details: consent }));
  },

  async refused(
    { audit }: Audit,
    actor: Actor,
    now: Date,
    { authorization, connection, cause }: AuthorizationWithConnection & { cause: FailureCause },
  ): Promise<void> {
    const details = { subject: authorization.subject, final_status: 'failed', reason: cause };
    const action = 'authorization.confirmed';
    await audit.append(eventOf(actor, now, { action, connection, outcome: 'failure', details }));
  },
};
