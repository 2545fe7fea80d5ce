import type { ConnectionSettings } from '../../src/domain/connection.ts';
import type { OAuthClient, OAuthGateway, ProviderCircuits } from '../../src/domain/ports/oauth.ts';
import { ProviderFailure, type ProviderFailureFacts } from '../../src/domain/provider-failure.ts';
import { Secret } from '../../src/domain/secret.ts';
import type { ProviderTemplate } from '../../src/domain/template.ts';
import type { TokenSet } from '../../src/domain/token-set.ts';
import { createOAuthGateway, type OAuthGatewayOptions } from '../../src/oauth/gateway.ts';
import { createGuardedHttp } from '../../src/oauth/guarded-http.ts';
import { templateSchema } from '../../src/oauth/template-schema.ts';
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
  /** Members of a data file; URLs of the scriptable provider are filled in where none are given. */
  template?: Record<string, unknown>;
  /** Set over the validated template, whose schema takes https only. */
  urls?: (origin: string) => Partial<ProviderTemplate>;
  settings?: Partial<ConnectionSettings>;
  secrets?: string[];
  timing?: Partial<Omit<OAuthGatewayOptions, 'http' | 'catalogue'>>;
}

/** A gateway over one template and a provider that answers as it is told. */
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
    now: () => fixedNow,
    ...options.timing,
  });
  return {
    provider,
    gateway,
    settings,
    client: { settings, secrets: (options.secrets ?? ['s3cret']).map((secret) => new Secret(secret)) },
    close: async () => {
      await provider.close();
      await http.close();
    },
  };
}

export const plainSettings: ConnectionSettings = {
  provider: 'subject',
  flow: 'authorization_code',
  clientId: 'client',
  authorizationUrl: null,
  tokenUrl: null,
  revocationUrl: null,
  testUrl: null,
  tokenAuthMethod: null,
  variables: {},
  scopes: [],
  authorizeParams: {},
  tokenParams: {},
  multiAccount: false,
  shareWithOrganizations: true,
  description: null,
};

export function held(tokens: { access?: string; refresh?: string | null } = {}): TokenSet {
  const { access = 'old-access', refresh = 'old-refresh' } = tokens;
  return {
    accessToken: new Secret(access),
    refreshToken: refresh === null ? null : new Secret(refresh),
    tokenType: 'Bearer',
    extra: {},
  };
}

/** The exchange of a callback that carries these parameters beside a matching state. */
export function exchange(parameters: Record<string, string> = { code: 'the-code' }, scopes: string[] = []) {
  return {
    parameters: new URLSearchParams({ state: 'the-state', ...parameters }),
    state: 'the-state',
    redirectUri: 'https://broker.example/callback/x',
    codeVerifier: new Secret('verifier-verifier-verifier-verifier-verifier'),
    scopes,
  };
}

/** The facts of the failure a call must end in. */
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
