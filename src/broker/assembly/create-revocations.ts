import { createAttemptRevocation } from '../revocations/attempt-revocation.ts';
import { createClaimFromNow } from '../revocations/claim-revocation.ts';
import { createRevokeAtOnce } from '../revocations/revoke-at-once.ts';
import { createRevokeWaiting } from '../revocations/revoke-waiting.ts';
import { createSendRevocation } from '../revocations/send-revocation.ts';
import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';
import { observeClientOf } from './observe-client-of.ts';

/** Builds the attempts at revocations, which use cases make at once and maintenance repeats. */
export function createRevocations(ports: BrokerPorts, { callsTokenEndpoints, leaseMs }: BrokerSettings) {
  const { revocations, oauth, cipher, catalogue, clock, onBackgroundError: onError, onRevocationGivenUp } = ports;
  const attemptRevocation = createAttemptRevocation({
    sendRevocation: createSendRevocation({ oauth, cipher, observeClient: observeClientOf(ports) }),
    revocations,
    catalogue,
    clock,
    onGivenUp: onRevocationGivenUp,
  });
  const claimFromNow = createClaimFromNow(clock, leaseMs);
  const attempts = { revocations, attemptRevocation, claimFromNow, callsTokenEndpoints, clock };
  return {
    attempts,
    revokeAtOnce: createRevokeAtOnce({ ...attempts, onError }),
    revokeWaiting: createRevokeWaiting({ oauth, catalogue, cipher, clock, onError }),
  };
}
