import { setTimeout as sleepFor } from 'node:timers/promises';
import { generateRandomCodeVerifier } from 'oauth4webapi';
import type { ConnectionSettings } from '../domain/connection.ts';
import type {
  CallOrder,
  EndpointCircuit,
  OAuthGateway,
  ProviderCatalogue,
  ProviderCircuits,
} from '../domain/ports/oauth.ts';
import { Secret } from '../domain/secret.ts';
import { buildAuthorizationUrl } from './authorize-url.ts';
import type { Sleep } from './call-slots.ts';
import { readCallback } from './callback.ts';
import type { GuardedHttp } from './guarded-http.ts';
import { probeToken } from './probe.ts';
import { type Provider, requireProvider, resolveProvider } from './resolve-provider.ts';
import { defaultBackoffMs } from './retry.ts';
import { revokeTokens } from './revocation.ts';
import { secretFaults } from './secret-faults.ts';
import { settingsFaults } from './settings-faults.ts';
import { createTokenEndpoints } from './token-endpoints.ts';
import { exchangeCode, refreshTokens, requestClientCredentials } from './token-requests.ts';

export interface OAuthGatewayOptions {
  http: GuardedHttp;
  catalogue: ProviderCatalogue;
  /** Tries after the first, where a rule allows any. */
  retries: number;
  /** The longest a call may take, retries and all. Leases on grants must outlast it. */
  callCapMs: number;
  /** The longest a test call may take. */
  probeTimeoutMs: number;
  /** Calls at once to one token endpoint, where its template does not say. */
  endpointConcurrency?: number;
  onCircuitChange?: (circuit: EndpointCircuit) => void;
  backoffMs?: readonly number[];
  random?: () => number;
  now?: () => Date;
  /** Milliseconds that only grow; what pauses are measured by. */
  elapsedMs?: () => number;
  sleep?: Sleep;
}

export const defaultEndpointConcurrency = 20;
const inFront: CallOrder = { inBackground: false };
/** A third: with the usual cap of 30 seconds, what a provider is given to answer. */
const tryRoomShare = 1 / 3;

export function createOAuthGateway(options: OAuthGatewayOptions): OAuthGateway & ProviderCircuits {
  const { http, catalogue, retries, callCapMs, probeTimeoutMs } = options;
  const { backoffMs = defaultBackoffMs, random = Math.random, now = () => new Date() } = options;
  const endpoints = createTokenEndpoints({
    callCapMs,
    now,
    concurrency: options.endpointConcurrency ?? defaultEndpointConcurrency,
    elapsedMs: options.elapsedMs ?? (() => performance.now()),
    sleep: options.sleep ?? ((ms, signal) => sleepFor(ms, undefined, { signal })),
    onCircuitChange: options.onCircuitChange ?? (() => undefined),
  });
  const timing = { retries, callCapMs, tryRoomMs: callCapMs * tryRoomShare, backoffMs, random };
  const deps = { http, now, timing, endpoints };
  const providers = new WeakMap<ConnectionSettings, Provider>();
  /** Once for all grants that were read together with their connection. */
  function providerOf(settings: ConnectionSettings): Provider {
    const provider = providers.get(settings) ?? requireProvider(catalogue, settings);
    providers.set(settings, provider);
    return provider;
  }
  return {
    validate: (settings) => settingsFaults(catalogue, http, settings),
    secretFaults: (settings, secret) => secretFaults(catalogue, settings, secret, now()),
    endpoints(settings) {
      const provider = resolveProvider(catalogue, settings);
      return {
        authorizationUrl: provider?.authorizationUrl ?? null,
        tokenUrl: provider?.tokenUrl ?? null,
        revocationUrl: provider?.revocationUrl ?? null,
        testUrl: provider?.probe?.url ?? null,
      };
    },
    createCodeVerifier: (settings) =>
      requireProvider(catalogue, settings).template.pkce ? new Secret(generateRandomCodeVerifier()) : null,
    authorizationUrl: async (settings, request) => buildAuthorizationUrl(requireProvider(catalogue, settings), request),
    readCallback(settings, parameters, state) {
      const read = readCallback(requireProvider(catalogue, settings), parameters, state);
      return read.kind === 'code' ? { kind: 'code' } : read;
    },
    exchangeCode: async (client, exchange) =>
      exchangeCode(deps, requireProvider(catalogue, client.settings), client, exchange),
    refresh: async (client, held, scopes, order = inFront) =>
      refreshTokens(deps, providerOf(client.settings), client, { held, scopes, order }),
    requestClientCredentials: async (client, scopes, order = inFront) =>
      requestClientCredentials(deps, providerOf(client.settings), client, { scopes, order }),
    revoke: async (client, tokens) => revokeTokens(deps, requireProvider(catalogue, client.settings), client, tokens),
    circuits: () => endpoints.circuits(),
    probe: async (client, tokens) =>
      probeToken(deps, probeTimeoutMs, requireProvider(catalogue, client.settings), tokens),
  };
}
