import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';
import { createForceRefresh } from './force-refresh.ts';
import { createFindServable, createGetCredential } from './get-credential.ts';
import { createNoteUse } from './note-use.ts';
import { createPersistRefreshed } from './persist-refreshed.ts';
import { createCallProvider } from './refresh-call.ts';
import { createRefreshGrant } from './refresh-grant.ts';
import { createRenewCredential } from './renew-credential.ts';
import { createServeCredential } from './serve-credential.ts';
import { createCredentialOf } from './served-credential.ts';

/** A reader outlasts the provider's connect timeout by this much before it is told to come back. */
const extraPatienceMs = 2_000;
const nonceBytes = 16;

/** What obtains, keeps and serves tokens. */
export function createEngine(ports: BrokerPorts, settings: BrokerSettings) {
  const { cipher, clock, refreshes: store, database, oauth, catalogue, sleep, tokens } = ports;
  const { schedule } = settings;
  const { persist, settled, replay } = createPersistRefreshed({
    store,
    spool: ports.spool,
    sleep: (ms) => sleep(ms, ports.ended),
    onError: ports.onBackgroundError,
  });
  const incarnation = tokens.random(nonceBytes);
  let leases = 0;
  const callProvider = createCallProvider({ store, persist, oauth, catalogue, cipher, clock });
  const { refreshGrant, isRefreshing, drain } = createRefreshGrant({
    store,
    signals: ports.signals,
    callProvider,
    settled,
    clock,
    instanceId: settings.instanceId,
    newNonce: () => `${incarnation}.${++leases}`,
    leaseMs: settings.leaseMs,
  });
  const patienceMs = settings.providerTimeoutMs + extraPatienceMs;
  const { onBackgroundError } = ports;
  const noteUse = createNoteUse({ queue: ports.queue, clock, schedule, onError: onBackgroundError });
  const serveCredential = createServeCredential({
    refreshGrant,
    isRefreshing,
    noteUse,
    credentialOf: createCredentialOf(cipher),
    clock,
    sleep,
    patienceMs,
    onBackgroundError,
  });
  const findServable = createFindServable({ lookup: ports.credentials, database });
  const findStored = createFindServable({
    lookup: { recall: () => undefined, find: ports.credentials.findStored },
    database,
  });
  return {
    drainRefreshes: drain,
    replaySpool: replay,
    getCredential: createGetCredential({ findServable, serveCredential }),
    renewCredential: createRenewCredential({ findServable: findStored, serveCredential, cipher }),
    forceRefresh: createForceRefresh({ database, refreshGrant, clock, schedule }),
    refreshGrant,
  };
}
