import type { ConnectionSettings } from '../../src/domain/connection.ts';
import type { OAuthClient, OAuthGateway, ProbeResult } from '../../src/domain/ports/oauth.ts';
import { ProviderFailure, type ProviderFailureFacts } from '../../src/domain/provider-failure.ts';
import { Secret } from '../../src/domain/secret.ts';
import type { TokenAnswer, TokenSet } from '../../src/domain/token-set.ts';

/** A provider that answers as told, and remembers what it was asked. */
export interface ScriptedGateway extends OAuthGateway {
  /** What the next calls answer, or throw. */
  script: {
    exchange: TokenAnswer | ProviderFailure;
    clientCredentials: TokenAnswer | ProviderFailure;
    probe: ProbeResult | ProviderFailure;
    callback: { kind: 'code' } | { kind: 'error'; error: string } | ProviderFailure;
    /** Runs while the code is being exchanged. */
    duringExchange: () => Promise<void>;
    revoke: boolean | ProviderFailure;
  };
  calls: {
    name: 'exchangeCode' | 'requestClientCredentials' | 'probe' | 'revoke';
    client: OAuthClient;
    tokens?: TokenSet;
  }[];
}

export function createScriptedGateway(): ScriptedGateway {
  const script: ScriptedGateway['script'] = {
    exchange: answerOf('at-1', 'rt-1'),
    clientCredentials: answerOf('cc-1', null),
    probe: { result: 'skipped', message: 'No test is known.', responseTimeMs: 0, account: null, httpStatus: null },
    callback: { kind: 'code' },
    duringExchange: async () => undefined,
    revoke: true,
  };
  const calls: ScriptedGateway['calls'] = [];
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
    readCallback: () => given(script.callback),
    exchangeCode: async (client) => {
      calls.push({ name: 'exchangeCode', client });
      await script.duringExchange();
      return given(script.exchange);
    },
    refresh: async () => {
      throw new Error('Nothing here refreshes.');
    },
    requestClientCredentials: async (client) => {
      calls.push({ name: 'requestClientCredentials', client });
      return given(script.clientCredentials);
    },
    revoke: async (client, tokens) => {
      calls.push({ name: 'revoke', client, tokens });
      return given(script.revoke);
    },
    probe: async (client, tokens) => {
      calls.push({ name: 'probe', client, tokens });
      return given(script.probe);
    },
  };
}

function given<T>(scripted: T | ProviderFailure): T {
  if (scripted instanceof ProviderFailure) throw scripted;
  return scripted;
}

export function answerOf(accessToken: string, refreshToken: string | null, accountId?: string): TokenAnswer {
  return {
    tokens: {
      accessToken: new Secret(accessToken),
      refreshToken: refreshToken === null ? null : new Secret(refreshToken),
      tokenType: 'Bearer',
      extra: {},
    },
    lifetimeSeconds: 3600,
    refreshLifetimeSeconds: null,
    scopes: null,
    account: accountId === undefined ? null : { id: accountId, name: null },
  };
}

export function failureOf(facts: Partial<ProviderFailureFacts>): ProviderFailure {
  return new ProviderFailure('The provider failed as scripted.', {
    class: 'transient',
    sent: true,
    answered: true,
    oauthError: null,
    httpStatus: null,
    retryAfterMs: null,
    ...facts,
  });
}
