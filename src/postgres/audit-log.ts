import type { Kysely } from 'kysely';
import type { AuditEvent } from '../domain/audit.ts';
import type { OrganizationId } from '../domain/connections/connection.ts';
import type { AuditWriter } from '../domain/ports/audit.ts';
import type { Tables } from './tables.ts';

/** Events of one statement. Each has eleven parameters, and Postgres takes 65,535 of them. */
const maxEventsTogether = 1_000;

export async function appendAuditEvent(db: Kysely<Tables>, event: AuditEvent): Promise<void> {
  await appendAuditEvents(db, [event]);
}

/** Must run in a transaction: many events take several statements. */
export async function appendAuditEvents(db: Kysely<Tables>, events: readonly AuditEvent[]): Promise<void> {
  for (let from = 0; from < events.length; from += maxEventsTogether) {
    const rows = events.slice(from, from + maxEventsTogether).map(toRow);
    await db.insertInto('audit_events').values(rows).execute();
  }
}

function toRow(event: AuditEvent) {
  return {
    time: event.time,
    actor: event.actor,
    action: event.action,
    organization_id: event.organizationId,
    connection_id: event.connectionId,
    connection_name: event.connectionName,
    grant_id: event.grantId,
    outcome: event.outcome,
    details: JSON.stringify(event.details),
    request_id: event.requestId,
    address: event.address,
  };
}

export function createAuditWriter(db: Kysely<Tables>, organizationId: OrganizationId): AuditWriter {
  return { append: (event) => appendAuditEvent(db, { ...event, organizationId }) };
}
