import type { OAuthGateway } from '../../domain/ports/oauth.ts';
import { createObserveClient } from '../observe-client.ts';
import { observeRefreshes } from '../refresh/observe-refresh.ts';
import { createPersistRefreshed } from '../refresh/persist-refreshed.ts';
import { createFingerprint, createRebaseRefreshed } from '../refresh/rebase-refreshed.ts';
import { createCallProvider } from '../refresh/refresh-call.ts';
import { createRefreshGrant, type RefreshEngine } from '../refresh/refresh-grant.ts';
import { createRefreshOff } from '../refresh/refresh-off.ts';
import { createMainPart, createSiblingPart, type TokenPart } from '../refresh/token-part.ts';
import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';

type EnginePorts = Pick<
  BrokerPorts,
  | 'refreshes'
  | 'siblingRefreshes'
  | 'clientSecrets'
  | 'signals'
  | 'spool'
  | 'catalogue'
  | 'cipher'
  | 'tokens'
  | 'clock'
  | 'sleep'
  | 'ended'
  | 'onBackgroundError'
  | 'onRefreshFailure'
  | 'onRefreshEnd'
> & { oauth: Pick<OAuthGateway, 'refresh' | 'requestClientCredentials'> };

const nonceBytes = 16;

/**
 * Builds the refresh engines: one for the main token sets, and one for the second token sets of each name. They share the
 * lease and the version of a grant. The names are those of the templates, so there are few engines.
 */
export function createRefreshEngines(
  ports: EnginePorts,
  settings: Pick<BrokerSettings, 'callsTokenEndpoints' | 'leaseMs' | 'instanceId'>,
) {
  const { cipher, clock, refreshes, siblingRefreshes, sleep, tokens, onBackgroundError } = ports;
  const { leaseMs, instanceId } = settings;
  const fingerprint = createFingerprint(tokens);
  const { persist, unsaved, replay } = createPersistRefreshed({
    store: refreshes,
    rebase: createRebaseRefreshed({ find: refreshes.find, cipher, fingerprint }),
    spool: ports.spool,
    sleep: (ms) => sleep(ms, ports.ended),
    clock,
    leaseMs,
    onError: onBackgroundError,
  });
  const incarnation = tokens.random(nonceBytes);
  let leases = 0;
  const observeClient = createObserveClient({ ...ports, onError: onBackgroundError });

  function createOf(store: typeof refreshes, part: TokenPart): RefreshEngine {
    if (!settings.callsTokenEndpoints) return createRefreshOff(store);
    const callProvider = createCallProvider({ ...ports, store, persist, part, fingerprint, observeClient });
    return createRefreshGrant({
      store,
      signals: ports.signals,
      callProvider: observeRefreshes(callProvider, ports),
      unsaved,
      clock,
      ...(part.sibling !== undefined && { sibling: part.sibling }),
      instanceId,
      newNonce: () => `${incarnation}.${++leases}`,
      leaseMs,
    });
  }

  const main = createOf(refreshes, createMainPart(cipher));
  const siblings = new Map<string, RefreshEngine>();

  return {
    main,
    /** Returns the engine of the second token sets with that name. */
    engineOf(name: string): RefreshEngine {
      const engine = siblings.get(name) ?? createOf(siblingRefreshes(name), createSiblingPart(cipher, name));
      siblings.set(name, engine);
      return engine;
    },
    /** Resolves when the refreshes that are under way have ended. */
    async drain() {
      await Promise.all([main, ...siblings.values()].map((engine) => engine.drain()));
    },
    replay,
    unsaved,
  };
}
