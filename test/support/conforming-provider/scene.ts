import type { ProviderTemplate } from '../../../src/domain/connections/template.ts';
import type { TokenSet } from '../../../src/domain/grants/token-set.ts';
import type { OAuthClient, OAuthGateway } from '../../../src/domain/ports/oauth.ts';
import { ProviderFailure } from '../../../src/domain/provider-failure.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createOAuthGateway } from '../../../src/oauth/gateway.ts';
import { faultsOfRequest, type ReceivedRequest } from './check-request.ts';
import type { ExpectedRequest } from './expected-requests.ts';
import type { Registration } from './registration.ts';
import type { ProviderServer } from './server.ts';

/** One template, the provider that follows it, and the faults that were found so far. */
export interface Scene {
  server: ProviderServer;
  /** Template that the provider follows. */
  template: ProviderTemplate;
  registration: Registration;
  client: OAuthClient;
  broker: ProviderTemplate;
  faults: string[];
}

export const now = new Date('2030-01-01T00:00:00Z');

/** Creates a gateway without open circuits and pauses: each call begins anew. */
export function newGateway({ server, broker }: Scene): OAuthGateway {
  return createOAuthGateway({
    http: server.http,
    catalogue: { find: (id) => (id === broker.id ? broker : undefined), list: () => [broker], detect: () => undefined },
    retries: 0,
    callCapMs: 20_000,
    probeTimeoutMs: 20_000,
    now: () => now,
  });
}

export function checkRequests(scene: Scene, expected: ExpectedRequest[], received: ReceivedRequest[]): void {
  const { template, registration, faults } = scene;
  if (received.length !== expected.length) {
    faults.push(`${expected[0]?.label ?? 'call'}: ${received.length} requests, not ${expected.length}`);
  }
  for (const [index, request] of expected.entries()) {
    const sent = received[index];
    if (sent !== undefined) faults.push(...faultsOfRequest(template, registration, request, sent));
  }
}

export const heldTexts = { accessToken: 'held-access/token+1', refreshToken: 'held-refresh/token+1' };
export const held: TokenSet = {
  accessToken: new Secret(heldTexts.accessToken),
  refreshToken: new Secret(heldTexts.refreshToken),
  tokenType: 'Bearer',
  extra: {},
};

export async function outcomeOf(call: () => Promise<unknown>): Promise<unknown> {
  return call().catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));
}

export function describe(outcome: unknown): string {
  if (outcome instanceof ProviderFailure) return `${outcome.facts.class}: ${outcome.message}`;
  return outcome instanceof Error ? outcome.message : JSON.stringify(outcome);
}

export function same(faults: string[], what: string, actual: unknown, wanted: unknown): void {
  const [found, expected] = [actual, wanted].map((value) => JSON.stringify(sorted(value)));
  if (found !== expected) faults.push(`${what} is ${found}, not ${expected}`);
}

/** Orders members by name, so that objects can be compared as text. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value ?? null;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a.localeCompare(b)));
}
