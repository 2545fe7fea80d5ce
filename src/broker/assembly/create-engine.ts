import { createCredentialOfGrant } from '../credentials/credential-of-grant.ts';
import { createExplainCredential } from '../credentials/explain-credential.ts';
import { createFindServable, createGetCredential, createRefuseSelection } from '../credentials/get-credential.ts';
import { createPreviewRefresh } from '../credentials/preview-refresh.ts';
import { createRenewCredential } from '../credentials/renew-credential.ts';
import { createRequireEnabled } from '../credentials/require-enabled.ts';
import { createScheduleRefreshAhead } from '../credentials/schedule-refresh-ahead.ts';
import { createServeCredential } from '../credentials/serve-credential.ts';
import { createViewGrant } from '../grants/grant-view.ts';
import { createRefreshOnDemand } from '../grants/refresh-on-demand.ts';
import { createRefreshSiblings } from '../maintenance/refresh-siblings.ts';
import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';
import { createRefreshEngines } from './create-refresh-engines.ts';

/** Milliseconds a reader waits beyond the provider timeout. Without them a call that ends at its timeout is missed. */
const extraPatienceMs = 2_000;

/** Builds the use cases that refresh and serve tokens. */
export function createEngine(ports: BrokerPorts, settings: BrokerSettings) {
  const { cipher, clock, refreshes: store, database, catalogue, sleep } = ports;
  const { schedule } = settings;
  const { main, engineOf, drain, replay, unsaved } = createRefreshEngines(ports, settings);
  const { refreshGrant, isRefreshing } = main;
  const { onBackgroundError, onFetch } = ports;
  const refreshSiblings = createRefreshSiblings({ engineOf, clock, schedule, onBackgroundError });
  const patienceMs = settings.providerTimeoutMs + extraPatienceMs;
  const scheduleRefreshAhead = createScheduleRefreshAhead({
    queue: ports.queue,
    clock,
    schedule,
    onError: onBackgroundError,
  });
  const credentialOfGrant = createCredentialOfGrant(cipher, clock);
  const serveCredential = createServeCredential({
    callsTokenEndpoints: settings.callsTokenEndpoints,
    refreshGrant,
    isRefreshing,
    scheduleRefreshAhead,
    refreshSiblingsBehind: refreshSiblings.behind,
    credentialOfGrant,
    catalogue,
    clock,
    sleep,
    patienceMs,
    onBackgroundError,
  });
  const requireEnabled = createRequireEnabled(ports.workflowStates);
  const findServable = createFindServable({ find: ports.credentials.find, database, clock });
  const findStored = createFindServable({ find: ports.credentials.findStored, database, clock });
  return {
    drainRefreshes: drain,
    replaySpool: replay,
    getCredential: createGetCredential({ findServable, serveCredential, requireEnabled, clock, onFetch }),
    explainCredential: createExplainCredential({
      find: ports.credentials.find,
      database,
      refuseSelection: createRefuseSelection({ database, clock }),
      requireEnabled,
      serving: serveCredential,
      previewRefresh: createPreviewRefresh({ store, unsaved, oauth: ports.oauth, clock }),
      credentialOfGrant,
      clock,
    }),
    /** Not observed: the test of a connection hands out no token. */
    getCredentialToTest: createGetCredential({ findServable, serveCredential, requireEnabled, clock }),
    renewCredential: createRenewCredential({
      findServable: findStored,
      serveCredential,
      requireEnabled,
      cipher,
      store,
      clock,
      onFetch,
    }),
    refreshOnDemand: createRefreshOnDemand({
      database,
      refreshGrant,
      refreshSiblings: refreshSiblings.onDemand,
      clock,
      viewGrant: createViewGrant(settings, clock),
    }),
    refreshGrant,
    refreshSiblings,
  };
}
