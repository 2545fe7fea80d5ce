import { setTimeout as sleepFor } from 'node:timers/promises';
import { generateRandomCodeVerifier } from 'oauth4webapi';
import type { OnProviderRequestEnd, ProviderRequestKind } from '../domain/ports/monitoring/observations.ts';
import type {
  CallPriority,
  EndpointCircuit,
  OAuthClient,
  OAuthGateway,
  ProviderCatalogue,
  ProviderCircuits,
} from '../domain/ports/oauth.ts';
import { Secret } from '../domain/secret.ts';
import type { GuardedHttp } from '../outbound/guarded-http.ts';
import { secretFaults } from './client-auth/secret-faults.ts';
import { requireProvider, resolveProvider } from './providers/resolve-provider.ts';
import { settingsFaults } from './providers/settings-faults.ts';
import { buildAuthorizationUrl } from './requests/authorize-url.ts';
import { exchangeCode, refreshTokens, requestClientCredentials } from './requests/grant-requests.ts';
import { observeRequests } from './requests/observe-requests.ts';
import { probeToken } from './requests/probe.ts';
import { defaultBackoffMs, defaultLostBackoffMs } from './requests/retry.ts';
import { revokeTokens } from './requests/revocation.ts';
import { readAuthorizationResponse } from './responses/read-authorization-response.ts';
import { readReceivedResponse } from './responses/read-received-response.ts';
import { providerOfSibling } from './responses/read-siblings.ts';
import type { Sleep } from './throttling/call-limiter.ts';
import { createEndpointGuards } from './throttling/endpoint-guards.ts';

export interface OAuthGatewayOptions {
  http: GuardedHttp;
  catalogue: ProviderCatalogue;
  /** Maximum number of retries, if the retry rule of the request allows retries. */
  retries: number;
  /** Maximum duration of a call, including retries. Leases on grants must last longer. */
  callCapMs: number;
  /** Maximum duration of a probe, including retries. */
  probeTimeoutMs: number;
  /** Maximum concurrent calls to one token endpoint if its template declares none. */
  endpointConcurrency?: number;
  onCircuitChange?: (circuit: EndpointCircuit) => void;
  onRequestEnd?: OnProviderRequestEnd;
  backoffMs?: readonly number[];
  /** Pause before the one retry of a refresh whose answer was lost. */
  lostBackoffMs?: number;
  random?: () => number;
  now?: () => Date;
  /** Monotonic milliseconds, by which pauses and open circuits are measured. */
  elapsedMs?: () => number;
  sleep?: Sleep;
}

/** Concurrent calls to one token endpoint. Many more can run into a provider's rate limits during a sweep. */
export const defaultEndpointConcurrency = 20;
/** Default priority: a caller is waiting for the result. */
const foreground: CallPriority = { inBackground: false };
const noLimits = { concurrency: null, requestsPerMinute: null };
/** Share of the call cap that a retry must have left: 10 of the usual 30 seconds, for the provider to respond. */
const minAttemptShare = 1 / 3;

/** Creates the gateway to providers. It owns the endpoint guards: circuits and pauses last as long as the gateway. */
export function createOAuthGateway(options: OAuthGatewayOptions): OAuthGateway & ProviderCircuits {
  const { http, catalogue, retries, callCapMs, probeTimeoutMs } = options;
  const { backoffMs = defaultBackoffMs, lostBackoffMs = defaultLostBackoffMs } = options;
  const { random = Math.random, now = () => new Date(), onRequestEnd = () => undefined } = options;
  const guarding = {
    callCapMs,
    now,
    concurrency: options.endpointConcurrency ?? defaultEndpointConcurrency,
    elapsedMs: options.elapsedMs ?? (() => performance.now()),
    sleep: options.sleep ?? ((ms, signal) => sleepFor(ms, undefined, { signal })),
    onCircuitChange: options.onCircuitChange ?? (() => undefined),
  } satisfies Parameters<typeof createEndpointGuards>[0];
  const endpoints = createEndpointGuards(guarding);
  // APIs fail apart from token endpoints. Their circuits hold back checks only, and are not reported.
  const apis = createEndpointGuards({ ...guarding, onCircuitChange: () => undefined });
  const timing = { retries, callCapMs, minAttemptMs: callCapMs * minAttemptShare, backoffMs, lostBackoffMs, random };
  const depsOf = ({ caller: { organizationId }, settings: { provider } }: OAuthClient, kind: ProviderRequestKind) => {
    const send: GuardedHttp['send'] = (request, deadline) => http.send({ ...request, organizationId }, deadline);
    const observed = observeRequests(send, { provider, kind }, onRequestEnd);
    return { http: { ...http, send: observed }, now, timing, endpoints };
  };
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
      const response = readAuthorizationResponse(requireProvider(catalogue, settings), parameters, state);
      return response.kind === 'code' ? { kind: 'code' } : response;
    },
    exchangeCode: async (client, exchange) =>
      exchangeCode(depsOf(client, 'code_exchange'), requireProvider(catalogue, client.settings), client, exchange),
    readReceived: (settings, received) => readReceivedResponse(resolveProvider(catalogue, settings), received, now()),
    async refresh(client, tokens, scopes, priority = foreground, sibling = undefined) {
      const provider = requireProvider(catalogue, client.settings);
      const reader = sibling === undefined ? provider : providerOfSibling(provider, sibling);
      return refreshTokens(depsOf(client, 'refresh'), reader, client, { tokens, scopes, priority });
    },
    requestClientCredentials: async (client, scopes, priority = foreground) =>
      requestClientCredentials(
        depsOf(client, 'client_credentials'),
        requireProvider(catalogue, client.settings),
        client,
        {
          scopes,
          priority,
        },
      ),
    heldBack({ caller, settings }) {
      const provider = resolveProvider(catalogue, settings);
      const url = settings.flow === 'client_credentials' ? provider?.tokenUrl : provider?.refreshUrl;
      if (provider === undefined || url == null) return undefined;
      return endpoints.peek(url)?.blocked({ ...caller, template: provider.template, priority: foreground });
    },
    revoke: async (client, tokens) =>
      revokeTokens(depsOf(client, 'revocation'), requireProvider(catalogue, client.settings), client, tokens),
    circuits: () => endpoints.circuits(),
    async probe(client, tokens, priority) {
      const provider = requireProvider(catalogue, client.settings);
      const deps = depsOf(client, 'test');
      if (priority === undefined || provider.probe === null) return probeToken(deps, probeTimeoutMs, provider, tokens);
      // The limits of a template are those of its token endpoint.
      const template = { circuit: provider.template.circuit, limits: noLimits };
      const api = apis.at(provider.probe.url);
      return probeToken(deps, probeTimeoutMs, provider, tokens, (make) =>
        api.call({ ...client.caller, template, priority }, (inTurn) => inTurn(make)),
      );
    },
  };
}
