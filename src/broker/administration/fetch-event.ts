import type { AuditAction, AuditEvent } from '../../domain/audit.ts';
import type { CredentialFetch } from '../../domain/grants/credential-fetch.ts';

/** Fetches of one kind that share an event: more of them came in one interval than are recorded one by one. */
export interface FetchCount {
  fetch: CredentialFetch;
  fetches: number;
  until: Date;
}

/** Builds the event of one fetch, or of several alike. `fetches` and `until` are present only for several. */
export function fetchEvent({ fetch, fetches, until }: FetchCount): AuditEvent {
  const { at, operation, actor, connectionName, subject, accountId, workflow, connectionId, grantId, refusal } = fetch;
  const { requestId, address } = actor.trace;
  return {
    time: at,
    actor: actor.caller.id,
    action: actionOf(operation, refusal),
    organizationId: actor.organizationId,
    connectionId,
    connectionName,
    grantId,
    outcome: refusal === null ? 'success' : 'failure',
    details: {
      subject,
      account_id: accountId,
      ...(workflow !== null && { workflow_id: workflow.id, workflow_name: workflow.name }),
      ...(refusal !== null && { code: refusal, operation }),
      ...(fetches > 1 && { fetches, until: until.toISOString() }),
    },
    requestId,
    address,
  };
}

function actionOf(operation: CredentialFetch['operation'], refusal: CredentialFetch['refusal']): AuditAction {
  if (refusal !== null) return 'credential.refused';
  return operation === 'renew' ? 'credential.renewed' : 'credential.fetched';
}

/** Events that were dropped before they were written: the database was away for too long. */
export function lostFetchesEvent(lost: { fetches: number; since: Date; until: Date }, now: Date): AuditEvent {
  return {
    time: now,
    actor: 'broker',
    action: 'audit.fetches_lost',
    organizationId: null,
    connectionId: null,
    connectionName: null,
    grantId: null,
    outcome: 'failure',
    details: { fetches: lost.fetches, since: lost.since.toISOString(), until: lost.until.toISOString() },
    requestId: null,
    address: null,
  };
}
