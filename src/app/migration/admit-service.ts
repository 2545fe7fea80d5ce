import type { Logger } from 'pino';
import type { Secret } from '../../domain/secret.ts';
import { prepareQueues } from '../../jobs/queue/prepare-queues.ts';
import { queueSchema } from '../../jobs/queue/queue-server.ts';
import { grantToService } from '../../postgres/roles/grant-to-service.ts';
import { readOwnState } from '../../postgres/roles/owner-state.ts';
import { readServiceState } from '../../postgres/roles/service-powers.ts';
import { readServerFacts } from '../../postgres/server-facts.ts';
import { type DatabaseVariable, namingVariable, requireServer } from '../diagnosis/database-access.ts';
import { queueOwner } from '../storage.ts';

export interface Admission {
  /** Role that owns the tables. */
  owner: Secret;
  service: { variable: DatabaseVariable; url: Secret };
  /** The queue is in the database. */
  hasQueue: boolean;
}

/** Gives the role of the service what it needs in a migrated database. Does nothing if it is the owner itself. */
export async function admitService({ owner, service, hasQueue }: Admission, log: Logger): Promise<void> {
  const ownerUrl = owner.reveal();
  const serviceUrl = service.url.reveal();
  const { role } = await namingVariable(service.variable, () => readServerFacts(serviceUrl));
  const { role: ownerRole, installationId } = await readOwnState(ownerUrl);
  if (role === ownerRole) return;
  if (hasQueue) {
    await requireServer('DATABASE_MIGRATE_URL', ownerUrl, async () => ({ createsTables: false, hasQueue }));
    await prepareQueues(owner, ownersOf(installationId));
  }
  await grantToService(ownerUrl, { role, queueSchema: hasQueue ? queueSchema : null });
  const { findsTables, powers } = await namingVariable(service.variable, () => readServiceState(serviceUrl));
  if (!findsTables) {
    throw new Error(
      `${service.variable}: its role does not find the tables that DATABASE_MIGRATE_URL leads to. Name the same database, and give both roles the same search_path.`,
    );
  }
  if (powers.length > 0) log.warn({ role, powers }, 'the role of the service has more privileges than it needs');
}

/** A copy of the installation has queues of its own. */
function ownersOf(installationId: string): string[] {
  return [true, false].map((callsTokenEndpoints) => queueOwner(installationId, { callsTokenEndpoints }));
}
