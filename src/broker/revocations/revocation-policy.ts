import type { PendingRevocation } from '../../domain/ports/maintenance/revocations.ts';
import type { FailureClass, ProviderFailureFacts } from '../../domain/provider-failure.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Delay after the first failed attempt. Each further one doubles it. */
const firstDelayMs = minuteMs;
/** Longest delay, also if the provider requests more: an outage of a weekend still gets a dozen attempts. */
const longestDelayMs = 6 * hourMs;
/** Age in milliseconds after which a failed attempt is the last one. Beyond a week the provider is not coming back. */
const givenUpAfterMs = 7 * 24 * hourMs;

/** Refusals that repeating the same request cannot change. */
const finalClasses: ReadonlySet<FailureClass> = new Set(['reauthorization', 'configuration']);

type FailureOfAttempt = Pick<ProviderFailureFacts, 'class' | 'answered' | 'oauthError' | 'retryAfterMs'>;

/**
 * Decides when to try a failed revocation again; null gives it up. `failure` is null for a fault on the broker's side.
 * A refusal that no code explains is repeated: a firewall or a moved endpoint may have spoken for the provider.
 */
export function nextRevocationTry(
  failure: FailureOfAttempt | null,
  { attempts, createdAt, isClientGone }: Pick<PendingRevocation, 'attempts' | 'createdAt' | 'isClientGone'>,
  now: Date,
): Date | null {
  if (failure !== null && isFinal(failure, isClientGone)) return null;
  if (now.getTime() - createdAt.getTime() >= givenUpAfterMs) return null;
  const backoffMs = firstDelayMs * 2 ** Math.min(attempts - 1, 20);
  const delayMs = Math.min(longestDelayMs, Math.max(backoffMs, failure?.retryAfterMs ?? 0));
  return new Date(now.getTime() + delayMs);
}

function isFinal({ class: failureClass, answered, oauthError }: FailureOfAttempt, isClientGone: boolean): boolean {
  if (!answered) return false;
  // The owner of a connection that exists can still send the right secret.
  if (failureClass === 'client') return isClientGone;
  // RFC 7009 §2.2.1: the provider does not revoke this kind of token.
  return finalClasses.has(failureClass) || oauthError === 'unsupported_token_type';
}
