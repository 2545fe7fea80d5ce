import type { AuditEvent } from '../domain/audit.ts';
import type { TripWithConnection } from '../domain/ports/callers.ts';
import type { Database, TransactionStores } from '../domain/ports/stores.ts';
import type { CallbackHit } from './callback-hit.ts';
import type { ObtainedTokens, TripFailure } from './obtain-authorized-tokens.ts';

type Line = Omit<AuditEvent, 'organizationId'>;

/** The outcome of each callback: on the trip, for whoever waits, and in the audit record. */
export interface RecordCallback {
  /** Nothing was consumed, so the trip stays as it is. A hit on no known trip is recorded in the global scope. */
  refused(hit: CallbackHit, trip: TripWithConnection | null, startedAt: Date): Promise<void>;
  failed(hit: CallbackHit, trip: TripWithConnection, failure: TripFailure, startedAt: Date): Promise<void>;
  /** In the transaction that stores the tokens. */
  completed(
    stores: TransactionStores,
    hit: CallbackHit,
    trip: TripWithConnection,
    obtained: ObtainedTokens & { grantId: string },
    startedAt: Date,
  ): Promise<void>;
}

export interface RecordCallbackDeps {
  database: Pick<Database, 'write'>;
  clock: () => Date;
}

export function createRecordCallback({ database, clock }: RecordCallbackDeps): RecordCallback {
  function line(hit: CallbackHit, trip: TripWithConnection | null, told: Partial<Line>): Line {
    return {
      time: clock(),
      // Nobody authenticates here: a trip stands for whoever started it.
      actor: trip?.authorization.createdBy ?? 'anonymous',
      action: 'authorization.callback',
      connectionId: trip?.connection.id ?? null,
      connectionName: trip?.connection.name ?? hit.connectionName,
      grantId: null,
      outcome: 'failure',
      details: {},
      requestId: hit.requestId,
      address: hit.address,
      ...told,
    };
  }
  const durationSince = (startedAt: Date) => ({ duration_ms: clock().getTime() - startedAt.getTime() });

  return {
    async refused(hit, trip, startedAt) {
      const details = {
        state_valid: false,
        exchange_success: null,
        test_result: null,
        final_status: 'refused',
        ...durationSince(startedAt),
      };
      await database.write(trip?.authorization.organizationId ?? null, ({ audit }) =>
        audit.append(line(hit, trip, { details })),
      );
    },

    async failed(hit, trip, { reason, message, exchangeSuccess, testResult }, startedAt) {
      const { stateHash, organizationId, subject } = trip.authorization;
      const details = {
        state_valid: true,
        exchange_success: exchangeSuccess,
        test_result: testResult,
        final_status: 'failed',
        reason,
        subject,
        ...durationSince(startedAt),
      };
      await database.write(organizationId, async ({ authorizations, audit }) => {
        await authorizations.settle(stateHash, { status: 'failed', reason, message, connectedAccountId: null });
        await audit.append(line(hit, trip, { details }));
      });
    },

    async completed({ authorizations, audit }, hit, trip, { grantId, account, answer, testResult }, startedAt) {
      const { stateHash, scopes, subject } = trip.authorization;
      const connectedAccountId = account?.id ?? null;
      const details = {
        state_valid: true,
        exchange_success: true,
        test_result: testResult,
        final_status: 'completed',
        ...durationSince(startedAt),
      };
      await authorizations.settle(stateHash, { status: 'completed', reason: null, message: null, connectedAccountId });
      await audit.append(line(hit, trip, { grantId, outcome: 'success', details }));
      const consent = {
        subject,
        account_id: connectedAccountId,
        requested_scopes: scopes,
        scopes: answer.scopes ?? scopes,
      };
      await audit.append(line(hit, trip, { action: 'grant.connected', grantId, outcome: 'success', details: consent }));
    },
  };
}
