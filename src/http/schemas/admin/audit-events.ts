import { z } from 'zod';
import { auditActions, auditOutcomes, auditRecord, type StoredAuditEvent } from '../../../domain/audit.ts';
import { time } from '../fields/text.ts';

/** Media type of an export. Its registration is not finished; this is the name in use. */
export const ndjson = 'application/x-ndjson';

export const auditEvent = z
  .object({
    id: z.string().describe('Unique, and larger for an event that was written later.'),
    time,
    actor: z.string().describe('Id of the caller, or broker for work of the service itself.'),
    action: z.enum(auditActions),
    organization_id: z.string().nullable().describe('Organisation that acted; null for the global scope.'),
    connection_id: z.string().nullable(),
    connection_name: z.string().nullable(),
    grant_id: z.string().nullable(),
    outcome: z.enum(auditOutcomes),
    details: z
      .record(z.string(), z.unknown())
      .describe(
        'Facts of the action, without secrets. `fetches` of a credential event is present if it stands for several fetches, until the time in `until`.',
      ),
    request_id: z.string().nullable(),
    address: z.string().nullable().describe('Address of the client.'),
  })
  .meta({ id: 'AuditEvent' });

export const auditEventList = z
  .object({
    audit_events: z.array(auditEvent),
    next_cursor: z.string().nullable().describe('Cursor of the next page; null on the last page.'),
  })
  .meta({ id: 'AuditEventList' });

export function fromAuditEvent(event: StoredAuditEvent): z.input<typeof auditEvent> {
  return auditRecord(event);
}
