import type { Grant } from '../../domain/grants/grant.ts';
import { nextRefreshAt } from '../../domain/grants/refresh-policy.ts';
import {
  grantWarnings,
  type WarnedConnection,
  type Warning,
  type WarningPolicy,
} from '../../domain/grants/warnings.ts';
import { type NextAction, nextAction } from '../../domain/next-action.ts';

/** A grant as administrators see it. `nextRefreshAt` is the time of its next refresh by the sweep. */
export type GrantView = Grant & { nextRefreshAt: Date | null; nextAction: NextAction; warnings: Warning[] };

/** `connection` is that of the grant. */
export type ViewGrant = (grant: Grant, connection: WarnedConnection) => GrantView;

export function createViewGrant(policy: WarningPolicy, clock: () => Date): ViewGrant {
  return (grant, connection) => ({
    ...grant,
    nextRefreshAt: nextRefreshAt(grant, policy.schedule),
    nextAction: nextAction({
      status: grant.status,
      reason: grant.statusReason,
      flow: connection.settings.flow,
      isRetried: grant.retryAt !== null,
    }),
    warnings: grantWarnings(grant, connection, policy, clock()),
  });
}

/** Selects the grants of a request. A null subject means no particular person; a null account matches every account. */
export interface GrantSelector {
  subject: string | null;
  accountId: string | null;
}
