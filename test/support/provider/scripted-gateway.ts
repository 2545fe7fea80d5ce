import type { ConnectionSettings } from '../../../src/domain/connections/connection.ts';
import type { TokenResponse, TokenSet } from '../../../src/domain/grants/token-set.ts';
import type { OAuthClient, OAuthGateway, ProbeResult } from '../../../src/domain/ports/oauth.ts';
import { ProviderFailure } from '../../../src/domain/provider-failure.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createCatalogue } from '../../../src/oauth/providers/catalogue.ts';
import { resolveProvider } from '../../../src/oauth/providers/resolve-provider.ts';
import { readReceivedResponse } from '../../../src/oauth/responses/read-received-response.ts';
import { aTokenResponse } from '../builders/provider.ts';

/** A provider with scripted responses, which records the calls. */
export interface ScriptedGateway extends OAuthGateway {
  /** Results of the next calls; a failure is thrown. */
  script: {
    exchange: TokenResponse | ProviderFailure;
    refresh: TokenResponse | ProviderFailure;
    clientCredentials: TokenResponse | ProviderFailure;
    probe: ProbeResult | ProviderFailure;
    callback: { kind: 'code' } | { kind: 'error'; error: string } | ProviderFailure;
    /** Runs while the code is being exchanged. */
    duringExchange: () => Promise<void>;
    revoke: boolean | ProviderFailure;
    /** Runs while tokens are being revoked. */
    duringRevocation: () => Promise<void>;
    /** Position of the client secret that the provider accepts, if there are several; null: it names none. */
    acceptedSecret: number | null;
  };
  calls: {
    name: 'exchangeCode' | 'refresh' | 'requestClientCredentials' | 'probe' | 'revoke';
    client: OAuthClient;
    tokens?: TokenSet;
  }[];
}

export function createScriptedGateway(now = () => new Date()): ScriptedGateway {
  const catalogue = createCatalogue();
  const script: ScriptedGateway['script'] = {
    exchange: aTokenResponse('at-1', 'rt-1'),
    refresh: aTokenResponse('at-2', 'rt-2'),
    clientCredentials: aTokenResponse('cc-1', null),
    probe: { result: 'skipped', message: 'No test is known.', responseTimeMs: 0, account: null, httpStatus: null },
    callback: { kind: 'code' },
    duringExchange: async () => undefined,
    revoke: true,
    duringRevocation: async () => {},
    acceptedSecret: null,
  };
  const calls: ScriptedGateway['calls'] = [];
  const authenticated = <T>(client: OAuthClient, scripted: T | ProviderFailure): T => {
    const result = resultOf(scripted);
    if (client.secrets.length > 1 && script.acceptedSecret !== null) client.onSecretAccepted?.(script.acceptedSecret);
    return result;
  };
  return {
    script,
    calls,
    validate: () => [],
    secretFaults: () => [],
    endpoints: ({ authorizationUrl, tokenUrl, revocationUrl, testUrl }: ConnectionSettings) => ({
      authorizationUrl: authorizationUrl ?? 'https://provider.test/authorize',
      tokenUrl: tokenUrl ?? 'https://provider.test/token',
      revocationUrl,
      testUrl,
    }),
    createCodeVerifier: () => new Secret('verifier'),
    authorizationUrl: async (_settings, { state }) => `https://provider.test/authorize?state=${state}`,
    readCallback: () => resultOf(script.callback),
    readReceived: (settings, received) => readReceivedResponse(resolveProvider(catalogue, settings), received, now()),
    exchangeCode: async (client) => {
      calls.push({ name: 'exchangeCode', client });
      await script.duringExchange();
      return authenticated(client, script.exchange);
    },
    heldBack: () => undefined,
    refresh: async (client, tokens) => {
      calls.push({ name: 'refresh', client, tokens });
      return authenticated(client, script.refresh);
    },
    requestClientCredentials: async (client) => {
      calls.push({ name: 'requestClientCredentials', client });
      return authenticated(client, script.clientCredentials);
    },
    revoke: async (client, tokens) => {
      calls.push({ name: 'revoke', client, tokens });
      await script.duringRevocation();
      return authenticated(client, script.revoke);
    },
    probe: async (client, tokens) => {
      calls.push({ name: 'probe', client, tokens });
      return resultOf(script.probe);
    },
  };
}

function resultOf<T>(scripted: T | ProviderFailure): T {
  if (scripted instanceof ProviderFailure) throw scripted;
  return scripted;
}
