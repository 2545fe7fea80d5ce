import type { AuditEvent } from '../../domain/audit.ts';
import type { SettledAuthorization } from '../../domain/authorization.ts';
import { type ConnectedDetails, reasonOfCause } from '../../domain/authorization-outcome.ts';
import type { ProviderAccount } from '../../domain/grants/token-set.ts';
import type { AuthorizationWithConnection } from '../../domain/ports/callers.ts';
import type { Database, TransactionStores } from '../../domain/ports/stores.ts';
import type { CallbackHit } from './callback-hit.ts';
import { errorOfProvider } from './error-of-provider.ts';
import type { AuthorizationFailure, ObtainedTokens } from './obtain-authorized-tokens.ts';
import type { RefusalReason } from './refusal.ts';

type Entry = Omit<AuditEvent, 'organizationId'>;

/** Records the outcome of each callback on the authorization and in the audit trail. */
export interface RecordCallback {
  /** Leaves the authorization unchanged. */
  refused(hit: CallbackHit, found: AuthorizationWithConnection, reason: RefusalReason, startedAt: Date): Promise<void>;
  failed(
    hit: CallbackHit,
    found: AuthorizationWithConnection,
    failure: AuthorizationFailure,
    startedAt: Date,
  ): Promise<void>;
  /** Runs in the transaction that stores the tokens. */
  completed(
    stores: TransactionStores,
    hit: CallbackHit,
    found: AuthorizationWithConnection,
    obtained: ObtainedTokens & { grantId: string; details: ConnectedDetails },
    startedAt: Date,
  ): Promise<void>;
  /** Runs in the transaction that lets the tokens wait for a confirmation. */
  held(
    stores: Pick<TransactionStores, 'audit'>,
    hit: CallbackHit,
    found: AuthorizationWithConnection,
    obtained: ObtainedTokens,
    startedAt: Date,
  ): Promise<void>;
}

export interface RecordCallbackDeps {
  database: Pick<Database, 'write'>;
  clock: () => Date;
}

export function createRecordCallback({ database, clock }: RecordCallbackDeps): RecordCallback {
  function entryOf(hit: CallbackHit, found: AuthorizationWithConnection, members: Partial<Entry>): Entry {
    return {
      time: clock(),
      // Callbacks are not authenticated. The actor is the caller that started the authorization.
      actor: found.authorization.createdBy,
      action: 'authorization.callback',
      connectionId: found.connection.id,
      connectionName: found.connection.name,
      grantId: null,
      outcome: 'failure',
      details: {},
      requestId: hit.requestId,
      address: hit.address,
      ...members,
    };
  }
  const durationSince = (startedAt: Date) => ({ duration_ms: clock().getTime() - startedAt.getTime() });

  return {
    async refused(hit, authorization, reason, startedAt) {
      const { code, description } = errorOfProvider(hit.parameters);
      const details = {
        state_valid: false,
        exchange_success: null,
        test_result: null,
        final_status: 'refused',
        refusal: reason,
        error: code,
        error_description: description,
        ...durationSince(startedAt),
      };
      await database.write(authorization.authorization.organizationId, ({ audit }) =>
        audit.append(entryOf(hit, authorization, { details })),
      );
    },

    async failed(hit, authorization, failure, startedAt) {
      const { error, errorDescription, exchangeSuccess, testResult, issuers } = failure;
      const { exchange } = failure.details;
      const { stateHash, organizationId, subject } = authorization.authorization;
      const settlement = failedSettlement(failure);
      const details = {
        state_valid: true,
        exchange_success: exchangeSuccess,
        test_result: testResult,
        final_status: 'failed',
        reason: settlement.reason,
        message: failure.message,
        class: exchange?.class ?? null,
        error,
        error_description: errorDescription,
        http_status: exchange?.httpStatus ?? null,
        expected_issuer: issuers?.expected ?? null,
        received_issuer: issuers?.received ?? null,
        subject,
        ...durationSince(startedAt),
      };
      await database.write(organizationId, async ({ authorizations, audit }) => {
        await authorizations.settle(stateHash, settlement);
        await audit.append(entryOf(hit, authorization, { details }));
      });
    },

    async held({ audit }, hit, authorization, { testResult }, startedAt) {
      const details = {
        state_valid: true,
        exchange_success: true,
        test_result: testResult,
        final_status: 'awaiting_confirmation',
        subject: authorization.authorization.subject,
        ...durationSince(startedAt),
      };
      await audit.append(entryOf(hit, authorization, { outcome: 'success', details }));
    },

    async completed(
      { authorizations, audit },
      hit,
      authorization,
      { grantId, details: outcome, account, response, testResult },
      startedAt,
    ) {
      const { stateHash, scopes, subject } = authorization.authorization;
      const connectedAccountId = account?.id ?? null;
      const details = {
        state_valid: true,
        exchange_success: true,
        test_result: testResult,
        final_status: 'completed',
        ...durationSince(startedAt),
      };
      await authorizations.settle(stateHash, completedSettlement(account, outcome));
      await audit.append(entryOf(hit, authorization, { grantId, outcome: 'success', details }));
      const consent = {
        subject,
        account_id: connectedAccountId,
        requested_scopes: scopes,
        scopes: response.scopes ?? scopes,
      };
      await audit.append(
        entryOf(hit, authorization, { action: 'grant.connected', grantId, outcome: 'success', details: consent }),
      );
    },
  };
}

export function failedSettlement({
  details,
  message,
  error,
  errorDescription,
}: Pick<AuthorizationFailure, 'details' | 'message' | 'error' | 'errorDescription'>) {
  const reason = reasonOfCause[details.cause];
  return { status: 'failed', reason, message, error, errorDescription, account: null, details } as const;
}

export function completedSettlement(account: ProviderAccount | null, details: ConnectedDetails): SettledAuthorization {
  return { status: 'completed', reason: null, message: null, error: null, errorDescription: null, account, details };
}
