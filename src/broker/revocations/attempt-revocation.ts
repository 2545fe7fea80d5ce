import type { AuditEvent } from '../../domain/audit.ts';
import type { PendingRevocation, RevocationStore } from '../../domain/ports/maintenance/revocations.ts';
import type { ProviderCatalogue } from '../../domain/ports/oauth.ts';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import { nextRevocationTry } from './revocation-policy.ts';
import type { SendRevocation } from './send-revocation.ts';

/**
 * Result of one attempt.
 * - confirmed: the provider revoked the tokens.
 * - unsupported: the provider has no endpoint for these tokens.
 * - postponed: the attempt failed and is repeated.
 * - given_up: the attempt failed and is the last one, or a repetition would end newer tokens.
 */
export type RevocationResult = 'confirmed' | 'unsupported' | 'postponed' | 'given_up';

/** A revocation that ended without the provider's confirmation, for a log. The tokens may still work there. */
export interface RevocationGivenUp {
  revocation: PendingRevocation;
  error: string;
}

/** Makes one attempt at a claimed revocation, and records its result before it returns. Throws service_unavailable. */
export type AttemptRevocation = (revocation: PendingRevocation) => Promise<RevocationResult>;

export interface AttemptRevocationDeps {
  sendRevocation: SendRevocation;
  revocations: Pick<RevocationStore, 'isConnectedAgain' | 'postpone' | 'remove'>;
  catalogue: Pick<ProviderCatalogue, 'find'>;
  clock: () => Date;
  onGivenUp: (givenUp: RevocationGivenUp) => void;
}

const connectedAgain = 'The person connected again, and this provider would revoke the new tokens too.';

export function createAttemptRevocation(deps: AttemptRevocationDeps): AttemptRevocation {
  const { sendRevocation, revocations, clock } = deps;

  async function giveUp(revocation: PendingRevocation, error: string): Promise<'given_up'> {
    await revocations.remove(revocation.id, eventOf(revocation, clock(), { outcome: 'failure', error }));
    deps.onGivenUp({ revocation, error });
    return 'given_up';
  }

  return async (revocation) => {
    if (await wouldEndNewTokens(deps, revocation)) return giveUp(revocation, connectedAgain);
    let isConfirmed: boolean;
    try {
      isConfirmed = await sendRevocation(revocation);
    } catch (failure) {
      const facts = failure instanceof ProviderFailure ? failure.facts : null;
      const error = describe(failure);
      const at = nextRevocationTry(facts, revocation, clock());
      if (at === null) return giveUp(revocation, error);
      await revocations.postpone(revocation.id, { at, error });
      return 'postponed';
    }
    // The caller of the revocation sees the result of the first attempt; no caller sees that of a later one.
    const event = revocation.attempts > 1 ? eventOf(revocation, clock(), { outcome: 'success' }) : null;
    await revocations.remove(revocation.id, event);
    return isConfirmed ? 'confirmed' : 'unsupported';
  };
}

/** Checks whether a late revocation would end what the person has connected meanwhile. */
async function wouldEndNewTokens(
  { catalogue, revocations }: AttemptRevocationDeps,
  revocation: PendingRevocation,
): Promise<boolean> {
  const ends = catalogue.find(revocation.connection.settings.provider)?.revocationEnds?.what;
  return ends === 'every_grant_of_the_person' && (await revocations.isConnectedAgain(revocation));
}

/** Describes a failure in the broker's words. Other errors may quote anything. */
function describe(failure: unknown): string {
  return failure instanceof ProviderFailure ? failure.message : 'The revocation could not be made.';
}

function eventOf(
  { grant, connection, attempts }: PendingRevocation,
  time: Date,
  { outcome, error }: { outcome: AuditEvent['outcome']; error?: string },
): AuditEvent {
  return {
    time,
    actor: 'broker',
    action: 'grant.revoked_at_provider',
    organizationId: grant.organizationId,
    connectionId: connection.id,
    connectionName: connection.name,
    grantId: grant.id,
    outcome,
    details: { attempts, ...(error === undefined ? {} : { error }) },
    requestId: null,
    address: null,
  };
}
