import type { ListAuditEvents } from '../../broker/administration/list-audit-events.ts';
import type { GetFleetGrant } from '../../broker/administration/read-fleet-grants.ts';
import type { GetConnection } from '../../broker/connections/read-connections.ts';
import type { GetGrant } from '../../broker/grants/get-grant.ts';
import type { GrantView } from '../../broker/grants/grant-view.ts';
import type { AuditAction } from '../../domain/audit.ts';
import { accessOf } from '../../domain/callers/access.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { OrganizationVisit } from '../server/visit.ts';
import type { History } from './past.ts';

export interface ReadGrantUseCases {
  getGrant: GetGrant;
  getFleetGrant: GetFleetGrant;
  getConnection: GetConnection;
  listAuditEvents: ListAuditEvents;
}

export interface FoundGrant {
  grant: GrantView;
  connection: Connection;
  /** Whether the organisation has an own connection of that name, which every call by name finds instead. */
  isHidden: boolean;
  /** Null for a visitor without admin:read. */
  history: (History & { isComplete: boolean }) | null;
}

/** Reads a grant of the visitor's organisation, and its history if the visitor may. Throws grant_not_found. */
export async function readGrant(
  useCases: ReadGrantUseCases,
  visit: OrganizationVisit,
  name: string,
  grantId: string,
): Promise<FoundGrant> {
  const { actor, caller } = visit;
  if (!visit.may(accessOf.getFleetGrant)) {
    const grant = await useCases.getGrant(actor, name, grantId);
    const { connection } = await useCases.getConnection(actor, name);
    return { grant, connection, isHidden: false, history: null };
  }
  const { grant, connection, consents } = await useCases.getFleetGrant(caller, grantId);
  if (connection.name !== name || grant.organizationId !== actor.organizationId) {
    throw BrokerError.of('grant_not_found', `There is no such grant of ${name}.`);
  }
  const [isHidden, history] = await Promise.all([
    isHiddenByOwn(useCases, visit, connection),
    readEvents(useCases, visit, grant, connection),
  ]);
  return { grant, connection, isHidden, history: { ...history, consents } };
}

async function isHiddenByOwn(
  { getConnection }: ReadGrantUseCases,
  { actor }: OrganizationVisit,
  { id, name, organizationId }: Connection,
): Promise<boolean> {
  if (organizationId === actor.organizationId) return false;
  const served = await getConnection(actor, name);
  return served.connection.id !== id;
}

/** Fetches are left out: a grant in use has thousands, and none changes it. */
const actionsOfGrants: readonly AuditAction[] = [
  'grant.connected',
  'grant.imported',
  'grant.refreshed',
  'grant.refresh_failed',
  'grant.expiring',
  'grant.revoked',
  'grant.revoked_at_provider',
  'connection.tested',
  'authorization.confirmed',
  'credential.renewed',
  'health_check.requested',
];

/** Events of each action. A grant of one-hour tokens is refreshed 24 times a day. */
const maxEvents = 100;

async function readEvents(
  { listAuditEvents }: ReadGrantUseCases,
  { caller }: OrganizationVisit,
  { id, createdAt }: GrantView,
  connection: Connection,
): Promise<Omit<History, 'consents'> & { isComplete: boolean }> {
  const page = { limit: maxEvents };
  const [edits, ...pages] = await Promise.all([
    listAuditEvents(caller, { connectionName: connection.name, action: 'connection.updated', from: createdAt }, page),
    ...actionsOfGrants.map((action) => listAuditEvents(caller, { grantId: id, action }, page)),
  ]);
  return {
    events: pages.flatMap(({ events }) => events),
    edits: edits.events.filter(({ connectionId }) => connectionId === connection.id),
    isComplete: [edits, ...pages].every(({ nextCursor }) => nextCursor === null),
  };
}
