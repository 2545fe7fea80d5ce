import type { Actor } from '../../domain/callers/caller.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import type { BrokerError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grants/grant.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { ConnectionRecord } from '../../domain/ports/connections.ts';
import type { OAuthGateway, ProbeResult } from '../../domain/ports/oauth.ts';
import type { Database } from '../../domain/ports/stores.ts';
import { ProviderFailure } from '../../domain/provider-failure.ts';
import { eventOf } from '../audit-event.ts';
import type { GetCredential } from '../credentials/get-credential.ts';
import { grantNotFound, notConnected, notReady } from '../credentials/serving-refusal.ts';
import { mayReceive, testUrlMoved } from '../known-origin.ts';
import { noSuchConnection } from '../no-such-connection.ts';
import { openClient, openTokens } from '../sealing.ts';
import type { GrantSelector } from './grant-view.ts';

export interface TestReport {
  testResult: 'success' | 'failed' | 'skipped';
  message: string;
  testedAt: Date;
  responseTimeMs: number;
}

/** Probes the provider with the live token and records the result. Throws as a fetch of the credential would. */
export type TestConnection = (actor: Actor, name: string, selector: GrantSelector) => Promise<TestReport>;

export interface TestConnectionDeps {
  database: Database;
  getCredential: GetCredential;
  oauth: Pick<OAuthGateway, 'probe' | 'endpoints'>;
  cipher: Cipher;
  clock: () => Date;
}

export function createTestConnection(deps: TestConnectionDeps): TestConnection {
  const { database, getCredential, clock } = deps;
  return async (actor, name, selector) => {
    const { record, own } = await findOwnGrants(deps, actor, name, selector);
    const { connection } = record;
    // The caller never receives the token, so its patterns for reading tokens do not apply.
    const tester = { ...actor, caller: { ...actor.caller, connections: null } };
    const request = { connectionName: name, ...selector, minTtlSeconds: 0, requiredScopes: [], workflow: null };
    const credential = await getCredential(tester, request);
    const seen = own.find(({ accountId }) => accountId === credential.accountId);
    // Reads the row again: it holds the token that the fetch refreshed, and the hosts that may receive that token.
    const grant = seen && (await database.read(actor.organizationId).grants.find(connection.id, seen.id));
    // The grant was deleted meanwhile and the fetch fell back to the shared one, which only its owner may test.
    if (grant === undefined || credential.grantOrganizationId !== actor.organizationId)
      throw nothingToTest(record, clock(), selector);

    const { result, message, responseTimeMs, account } = await probe(deps, connection, grant);
    const testedAt = clock();
    await database.write(actor.organizationId, async ({ grants, audit }) => {
      const health = healthAfter(grant, result, message);
      await grants.recordTest(grant.id, { at: testedAt, ...health, account: account?.id ?? null });
      await audit.append(
        eventOf(actor, testedAt, {
          action: 'connection.tested',
          connection,
          grantId: grant.id,
          outcome: result === 'failed' ? 'failure' : 'success',
          details: { subject: grant.subject, test_result: result, reason: message, response_time_ms: responseTimeMs },
        }),
      );
    });
    return { testResult: result, message, testedAt, responseTimeMs };
  };
}

/** Finds the organisation's own grants. Unlike a fetch, a test never falls back to the shared grant. */
async function findOwnGrants(
  { database, clock }: Pick<TestConnectionDeps, 'database' | 'clock'>,
  { organizationId }: Actor,
  name: string,
  selector: GrantSelector,
): Promise<{ record: ConnectionRecord; own: Grant[] }> {
  const { connections, grants } = database.read(organizationId);
  const record = await connections.find(name);
  if (record === undefined) throw noSuchConnection(name);
  // Two are enough: a fetch of several accounts is refused as ambiguous.
  const own = await grants.findMatching({ connectionId: record.connection.id, ...selector }, 2);
  if (own.length === 0) throw nothingToTest(record, clock(), selector);
  return { record, own };
}

function nothingToTest(record: ConnectionRecord, now: Date, { subject, accountId }: GrantSelector): BrokerError {
  const { name, settings } = record.connection;
  if (subject !== null || accountId !== null) {
    return grantNotFound(`There is no grant of ${name} for that subject and account.`, settings.flow);
  }
  const detail = `${name} has not been connected yet.`;
  if (record.served === null) return notConnected(record, now, detail);
  // The status is that of the shared grant, which does not count here.
  return notReady({ status: 'not_connected', reason: null, message: null, retryAt: null }, settings.flow, now, detail);
}

async function probe(
  { oauth, cipher, clock }: TestConnectionDeps,
  connection: Connection,
  grant: Grant,
): Promise<Pick<ProbeResult, 'result' | 'message' | 'responseTimeMs' | 'account'>> {
  if (!mayReceive(oauth, 'testUrl', connection.settings, grant.origins)) return skipped(testUrlMoved);
  if (grant.sealedTokens === null) return skipped('The tokens were removed while the test began.');
  const startedAt = clock().getTime();
  try {
    const tokens = { ...openTokens(cipher, grant, grant.sealedTokens), refreshToken: null };
    return await oauth.probe(openClient(cipher, connection, grant.organizationId), tokens);
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return { result: 'failed', message: error.message, responseTimeMs: clock().getTime() - startedAt, account: null };
  }
}

function skipped(message: string): Extract<ProbeResult, { result: 'skipped' }> {
  return { result: 'skipped', message, responseTimeMs: 0, account: null, httpStatus: null };
}

/** Computes the health to record. A skipped probe leaves it unchanged. */
function healthAfter(
  { health, healthError }: Grant,
  result: ProbeResult['result'],
  message: string,
): { health: Grant['health']; error: string | null } {
  if (result === 'skipped') return { health, error: healthError };
  return result === 'success' ? { health: 'healthy', error: null } : { health: 'unhealthy', error: message };
}
