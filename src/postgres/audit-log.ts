import type { Kysely } from 'kysely';
import type { AuditEvent } from '../domain/audit.ts';
import type { OrganizationId } from '../domain/connection.ts';
import type { AuditWriter } from '../domain/ports/stores.ts';
import type { Tables } from './tables.ts';

export async function appendAuditEvent(db: Kysely<Tables>, event: AuditEvent): Promise<void> {
  await db
    .insertInto('audit_events')
    .values({
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
    })
    .execute();
}

export function createAuditWriter(db: Kysely<Tables>, organizationId: OrganizationId): AuditWriter {
  return { append: (event) => appendAuditEvent(db, { ...event, organizationId }) };
}
