import type { Grant } from '../domain/grant.ts';
import { nextRefreshAt, type RefreshSchedule } from '../domain/refresh-policy.ts';

/** A grant as administrators see it, with when the sweep will take it up. */
export type GrantView = Grant & { nextRefreshAt: Date | null };

export type ViewGrant = (grant: Grant) => GrantView;

export function createViewGrant(schedule: RefreshSchedule): ViewGrant {
  return (grant) => ({ ...grant, nextRefreshAt: nextRefreshAt(grant, schedule) });
}

/** Which grants a request means. Null subject is nobody in particular; null account is whichever there is. */
export interface GrantSelector {
  subject: string | null;
  accountId: string | null;
}
