import { createCompleteAuthorization } from '../authorizations/complete-authorization.ts';
import { createCancelAuthorization } from '../authorizations/confirmation/cancel-authorization.ts';
import { createConfirmAuthorization } from '../authorizations/confirmation/confirm-authorization.ts';
import { createHoldTokens } from '../authorizations/confirmation/hold-tokens.ts';
import { createConnectGrant } from '../authorizations/connect-grant.ts';
import { createGetAuthorization } from '../authorizations/follow-authorization.ts';
import { createObtainAuthorizedTokens } from '../authorizations/obtain-authorized-tokens.ts';
import { createOpenAuthorization } from '../authorizations/open-authorization.ts';
import { createReachedOutcome } from '../authorizations/reached-outcome.ts';
import { createRecognizeCallback } from '../authorizations/recognize-callback.ts';
import { createRecordCallback } from '../authorizations/record-callback.ts';
import { createStartAuthorization } from '../authorizations/start-authorization.ts';
import { createViewOutcome } from '../authorizations/view-outcome.ts';
import { createViewGrant } from '../grants/grant-view.ts';
import { createStoreGrant } from '../grants/store-grant.ts';
import { createProviderNameOf } from '../provider-name.ts';
import { createRedirectUriOf } from '../redirect-uri.ts';
import { createStoreObtained } from '../store-obtained.ts';
import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';
import type { createRevocations } from './create-revocations.ts';
import { observeClientOf } from './observe-client-of.ts';

/** Builds the use cases of one visit of a browser to the provider. */
export function createAuthorizations(
  ports: BrokerPorts,
  settings: BrokerSettings,
  { revokeAtOnce, revokeWaiting }: Pick<ReturnType<typeof createRevocations>, 'revokeAtOnce' | 'revokeWaiting'>,
) {
  const { database, authorizations, oauth, catalogue, cipher, tokens, newId, clock, sleep, ended } = ports;
  const { baseUrl, allowedReturnUrls, authorizationTtlMs: ttlMs } = settings;
  const redirectUriOf = createRedirectUriOf(baseUrl);
  const providerNameOf = createProviderNameOf({ catalogue, oauth });
  const viewOutcome = createViewOutcome({ providerNameOf, cipher });
  const wait = (ms: number) => sleep(ms, ended);
  const reachedOutcome = createReachedOutcome({ authorizations, viewOutcome, providerNameOf, sleep: wait });
  const { confirmPage } = settings;
  const opening = { authorizations, reachedOutcome, oauth, cipher, tokens, providerNameOf, confirmPage, clock };
  const viewGrant = createViewGrant(settings, clock);
  const connectGrant = createConnectGrant({
    storeGrant: createStoreGrant({ cipher, newId }),
    catalogue,
    cipher,
    clock,
  });
  const ending = { database, revokeWaiting, revokeAtOnce, clock };
  return {
    startAuthorization: createStartAuthorization({
      database,
      oauth,
      cipher,
      tokens,
      newId,
      redirectUriOf,
      baseUrl,
      allowedReturnUrls,
      callsTokenEndpoints: settings.callsTokenEndpoints,
      ttlMs,
      clock,
    }),
    openAuthorization: createOpenAuthorization(opening),
    getAuthorization: createGetAuthorization({ database, tokens, viewGrant, clock }),
    cancelAuthorization: createCancelAuthorization(ending),
    confirmAuthorization: createConfirmAuthorization({ ...ending, connectGrant, viewGrant, cipher, tokens }),
    completeAuthorization: createCompleteAuthorization({
      reachedOutcome,
      recognizeCallback: createRecognizeCallback({ authorizations, tokens, redirectUriOf, providerNameOf, clock }),
      obtainAuthorizedTokens: createObtainAuthorizedTokens({
        oauth,
        cipher,
        observeClient: observeClientOf(ports),
        clock,
      }),
      storeObtained: createStoreObtained({ sleep: wait, onError: ports.onBackgroundError }),
      connectGrant,
      holdTokens: createHoldTokens({ cipher, tokens, clock }),
      recordCallback: createRecordCallback({ database, clock }),
      viewOutcome,
      providerNameOf,
      authorizations,
      database,
      oauth,
      clock,
    }),
  };
}
