import type { Caller } from '../../domain/callers/caller.ts';
import { type FailureClass, withoutAddress } from '../../domain/provider-failure.ts';
import type { ExplainedState } from './state.ts';

/** Facts behind a reason. Texts of the provider are quotations: they decide nothing. */
export interface Evidence {
  /** Begin of the failures; without failures, the time of the event that ended the grant. Null if it is not known. */
  since: Date | null;
  /** Consecutive failures of this kind; null without a failure. */
  attempts: number | null;
  /** Error code of the provider. */
  code: string | null;
  description: string | null;
  httpStatus: number | null;
  class: FailureClass | null;
  /** Time of the last failure. */
  failedAt: Date | null;
  /** Next try by the broker itself; null if there is none. */
  nextTryAt: Date | null;
  /** Message of the broker for people. */
  message: string | null;
}

/** Collects the evidence that the caller may see. */
export function evidence(state: ExplainedState, { permissions }: Pick<Caller, 'permissions'>): Evidence {
  const { grant, lastError, message } = state;
  const said = lastError && { class: lastError.class, description: lastError.errorDescription };
  const shown = said && (permissions.includes('admin:read') ? said : withoutAddress(said));
  return {
    since: sinceOf(state),
    attempts: lastError?.attempts ?? null,
    code: lastError?.error ?? null,
    description: shown?.description ?? null,
    httpStatus: lastError?.httpStatus ?? null,
    class: shown?.class ?? null,
    failedAt: lastError?.at ?? null,
    nextTryAt: grant?.retryAt ?? (grant?.status === 'completed' ? state.nextRefreshAt : null),
    message,
  };
}

function sinceOf({ grant, record, lastError }: ExplainedState): Date | null {
  if (grant === null) return record?.failure?.at ?? null;
  if (grant.failingSince !== null) return grant.failingSince;
  if (grant.statusReason === 'revoked') return grant.revokedAt;
  if (grant.statusReason === 'token_expired') return grant.metadata?.expiresAt ?? grant.updatedAt;
  if (grant.status === 'completed') return lastError?.at ?? null;
  return lastError?.at ?? grant.updatedAt;
}
