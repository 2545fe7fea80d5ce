import type { AuthorizationLookup, AuthorizationWithConnection } from '../../domain/ports/callers.ts';
import type { ProviderNameOf } from '../provider-name.ts';
import type { CallbackOutcome } from './callback-outcome.ts';
import { refusal, refusedAuthorization } from './refusal.ts';
import type { ViewOutcome } from './view-outcome.ts';

/** Interval in milliseconds between two looks at an exchange that runs in another request. */
const pollIntervalMs = 250;
/** Maximum wait in milliseconds for it. A person waits: longer than this, a page that says so is better. */
const maxWaitMs = 20_000;

/**
 * Returns the outcome that an earlier callback reached, for the same browser: a person reloads the page, goes back, or
 * clicks twice. Waits for a code exchange that is under way.
 */
export type ReachedOutcome = (found: AuthorizationWithConnection, isLaterCallback: boolean) => Promise<CallbackOutcome>;

export interface ReachedOutcomeDeps {
  authorizations: Pick<AuthorizationLookup, 'find'>;
  viewOutcome: ViewOutcome;
  providerNameOf: ProviderNameOf;
  sleep: (ms: number) => Promise<void>;
}

export function createReachedOutcome(deps: ReachedOutcomeDeps): ReachedOutcome {
  const { authorizations, viewOutcome, providerNameOf, sleep } = deps;
  return async (found, isLaterCallback) => {
    let current = found;
    for (let waitedMs = 0; current.authorization.status === 'testing' && waitedMs < maxWaitMs; ) {
      await sleep(pollIntervalMs);
      waitedMs += pollIntervalMs;
      current = (await authorizations.find(found.authorization.stateHash)) ?? found;
    }
    const { status, details } = current.authorization;
    const about = refusedAuthorization(current, providerNameOf);
    // The first callback was refused with a page, whatever the return URL: so is the same callback again.
    if (details?.kind === 'failed' && details.cause === 'response_rejected')
      return refusal('response_rejected', { about });
    const outcome = viewOutcome(current);
    if (outcome?.kind === 'settled') return { ...outcome, isLaterCallback };
    if (outcome !== undefined) return outcome;
    return refusal(status === 'testing' ? 'still_completing' : 'link_used', { about });
  };
}
