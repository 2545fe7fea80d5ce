import { createObserveClient } from '../observe-client.ts';
import type { BrokerPorts } from './broker-ports.ts';

/** Builds the observer of a connection's client from the ports. */
export function observeClientOf({ clientSecrets, cipher, clock, onBackgroundError: onError }: BrokerPorts) {
  return createObserveClient({ clientSecrets, cipher, clock, onError });
}
