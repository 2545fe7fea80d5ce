import type { Actor } from '../domain/caller.ts';
import type { GrantSelector, GrantView } from './grants.ts';

/** Refreshes now, whatever the expiry. Throws connection_not_ready, provider_unavailable, grant_not_found, not_refreshable, rate_limited. */
export type ForceRefresh = (actor: Actor, name: string, selector: GrantSelector) => Promise<GrantView>;
