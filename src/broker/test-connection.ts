import type { Actor } from '../domain/caller.ts';
import type { Connection } from '../domain/connection.ts';
import type { Credential } from '../domain/credential.ts';
import { BrokerError } from '../domain/errors.ts';
import type { Grant } from '../domain/grant.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { OAuthGateway, ProbeResult } from '../domain/ports/oauth.ts';
import type { Database } from '../domain/ports/stores.ts';
import { ProviderFailure } from '../domain/provider-failure.ts';
import { Secret } from '../domain/secret.ts';
import { eventOf } from './audit-event.ts';
import type { GetCredential } from './get-credential.ts';
import type { GrantSelector } from './grant-view.ts';
import { noSuchConnection } from './no-such-connection.ts';
import { openClient } from './sealing.ts';

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
  oauth: Pick<OAuthGateway, 'probe'>;
  cipher: Cipher;
  clock: () => Date;
}

export function createTestConnection(deps: TestConnectionDeps): TestConnection {
  const { database, getCredential, clock } = deps;
  return async (actor, name, selector) => {
    const { connection, own } = await findOwnGrants(database, actor, name, selector);
    // The token stays in here, so the caller's patterns for reading tokens do not apply.
    const tester = { ...actor, caller: { ...actor.caller, connections: null } };
    const request = { connectionName: name, ...selector, minTtlSeconds: 0, requiredScopes: [], workflow: null };
    const credential = await getCredential(tester, request);
    const grant = own.find(({ accountId }) => accountId === credential.accountId);
    // Deleted meanwhile: what came instead is the shared grant's, which is not this organisation's to test.
    if (grant === undefined || credential.grantOrganizationId !== actor.organizationId)
      throw nothingToTest(name, selector);

    const { result, message, responseTimeMs } = await probe(deps, connection, credential);
    const testedAt = clock();
    await database.write(actor.organizationId, async ({ grants, audit }) => {
      await grants.recordTest(grant.id, { at: testedAt, ...healthAfter(grant, result, message) });
      await audit.append(
        eventOf(actor, testedAt, {
          action: 'connection.tested',
          connection,
          grantId: grant.id,
          outcome: result === 'failed' ? 'failure' : 'success',
          details: { test_result: result, response_time_ms: responseTimeMs },
        }),
      );
    });
    return { testResult: result, message, testedAt, responseTimeMs };
  };
}

/** A fetch would fall back to the shared grant; a test acts on the organisation's own or on none. */
async function findOwnGrants(
  database: Database,
  { organizationId }: Actor,
  name: string,
  selector: GrantSelector,
): Promise<{ connection: Connection; own: Grant[] }> {
  const { connections, grants } = database.read(organizationId);
  const found = await connections.find(name);
  if (found === undefined) throw noSuchConnection(name);
  const own = (await grants.list(found.connection.id)).filter(
    ({ subject, accountId }) =>
      subject === selector.subject && (selector.accountId === null || accountId === selector.accountId),
  );
  if (own.length === 0) throw nothingToTest(name, selector);
  return { connection: found.connection, own };
}

function nothingToTest(name: string, { subject, accountId }: GrantSelector): BrokerError {
  if (subject !== null || accountId !== null) {
    return BrokerError.of('grant_not_found', `There is no grant of ${name} for that subject and account.`);
  }
  return BrokerError.with('connection_not_ready', `${name} has not been connected yet.`, {
    connection_status: 'not_connected',
    status_reason: null,
    status_message: null,
  });
}

async function probe(
  { oauth, cipher, clock }: TestConnectionDeps,
  connection: Connection,
  credential: Credential,
): Promise<Pick<ProbeResult, 'result' | 'message' | 'responseTimeMs'>> {
  const startedAt = clock().getTime();
  try {
    const { accessToken, tokenType, extra } = credential.openTokens();
    const tokens = { accessToken: new Secret(accessToken), refreshToken: null, tokenType, extra };
    return await oauth.probe(openClient(cipher, connection), tokens);
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return { result: 'failed', message: error.message, responseTimeMs: clock().getTime() - startedAt };
  }
}

/** Where there is nothing to probe with, what is known of its health stays as it was. */
function healthAfter(
  { health, healthError }: Grant,
  result: ProbeResult['result'],
  message: string,
): { health: Grant['health']; error: string | null } {
  if (result === 'skipped') return { health, error: healthError };
  return result === 'success' ? { health: 'healthy', error: null } : { health: 'unhealthy', error: message };
}
