import type { ConnectionSettings } from '../../../src/domain/connections/connection.ts';
import type { ProviderTemplate } from '../../../src/domain/connections/template.ts';
import type { RefreshResponse, TokenSet } from '../../../src/domain/grants/token-set.ts';
import type { OAuthClient, OAuthGateway, ProviderCircuits } from '../../../src/domain/ports/oauth.ts';
import { ProviderFailure, type ProviderFailureFacts } from '../../../src/domain/provider-failure.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createOAuthGateway, type OAuthGatewayOptions } from '../../../src/oauth/gateway.ts';
import { templateSchema } from '../../../src/oauth/providers/template-schema.ts';
import { createGuardedHttp } from '../../../src/outbound/guarded-http.ts';
import { someSettings } from '../builders/connection.ts';
import { type HostileProvider, startHostileProvider } from './hostile-provider.ts';

export const fixedNow = new Date('2030-01-01T00:00:00Z');

export interface GatewayFixture {
  provider: HostileProvider;
  gateway: OAuthGateway & ProviderCircuits;
  settings: ConnectionSettings;
  client: OAuthClient;
  close(): Promise<void>;
}

export interface GatewayFixtureOptions {
  /** Members of a template file. Absent URLs become those of the scriptable provider. */
  template?: Record<string, unknown>;
  /** Overrides members of the validated template: its schema accepts https only. */
  urls?: (origin: string) => Partial<ProviderTemplate>;
  settings?: Partial<ConnectionSettings>;
  secrets?: string[];
  timing?: Partial<Omit<OAuthGatewayOptions, 'http' | 'catalogue'>>;
}

/** Starts a scriptable provider and a gateway with one template for it. */
export async function startGateway(options: GatewayFixtureOptions = {}): Promise<GatewayFixture> {
  const provider = await startHostileProvider();
  const http = createGuardedHttp({ allowPrivateNetwork: true, connectTimeoutMs: 1000 });
  const template: ProviderTemplate = {
    ...templateSchema.parse({
      id: 'subject',
      displayName: 'Subject',
      flows: ['authorization_code', 'client_credentials', 'refresh_token'],
      ...options.template,
    }),
    authorizationUrl: `${provider.origin}/authorize`,
    tokenUrl: `${provider.origin}/token`,
    ...options.urls?.(provider.origin),
  };
  const settings = { ...plainSettings, ...options.settings };
  const gateway = createOAuthGateway({
    http,
    catalogue: {
      find: (id) => (id === template.id ? template : undefined),
      list: () => [template],
      detect: () => undefined,
    },
    retries: 3,
    callCapMs: 2000,
    probeTimeoutMs: 500,
    backoffMs: [1, 2, 4],
    lostBackoffMs: 1,
    now: () => fixedNow,
    ...options.timing,
  });
  return {
    provider,
    gateway,
    settings,
    client: {
      caller: plainCaller,
      settings,
      secrets: (options.secrets ?? ['s3cret']).map((secret) => new Secret(secret)),
    },
    close: async () => {
      await provider.close();
      await http.close();
    },
  };
}

export const plainCaller = { organizationId: 'acme', connectionId: 'connection' };

export const plainSettings = someSettings({ provider: 'subject', scopes: [] });

export function held(tokens: { access?: string; refresh?: string | null } = {}): TokenSet {
  const { access = 'old-access', refresh = 'old-refresh' } = tokens;
  return {
    accessToken: new Secret(access),
    refreshToken: refresh === null ? null : new Secret(refresh),
    tokenType: 'Bearer',
    extra: {},
  };
}

/** The code exchange of a callback with these parameters and a matching state. */
export function exchange(parameters: Record<string, string> = { code: 'the-code' }, scopes: string[] = []) {
  return {
    parameters: new URLSearchParams({ state: 'the-state', ...parameters }),
    state: 'the-state',
    redirectUri: 'https://broker.example/callback/x',
    codeVerifier: new Secret('verifier-verifier-verifier-verifier-verifier'),
    scopes,
  };
}

/** The token set of a refresh that must have brought an access token. */
export function refreshedTokens({ tokens }: RefreshResponse): TokenSet {
  const { accessToken } = tokens;
  if (accessToken === null) throw new Error('the refresh brought no access token');
  return { ...tokens, accessToken };
}

/** The metadata of the failure a call must end in. */
export async function failureOf(
  call: Promise<unknown>,
): Promise<ProviderFailureFacts & { message: string; error: ProviderFailure }> {
  const outcome = await call.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(outcome instanceof ProviderFailure)) throw new Error(`expected a ProviderFailure, got ${String(outcome)}`);
  return { ...outcome.facts, message: outcome.message, error: outcome };
}
