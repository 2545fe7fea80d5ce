import type pg from 'pg';
import type { AuditEvent } from '../../domain/audit.ts';
import type { AuditBatchWriter } from '../../domain/ports/audit.ts';
import { unnestRows } from '../batch/unnest-rows.ts';
import { queryPrepared } from '../driver/query-prepared.ts';

const events = unnestRows<AuditEvent>('events', [
  ['time', 'timestamptz', ({ time }) => time.toISOString()],
  ['actor', 'text', ({ actor }) => actor],
  ['action', 'text', ({ action }) => action],
  ['organization_id', 'text', ({ organizationId }) => organizationId],
  ['connection_id', 'uuid', ({ connectionId }) => connectionId],
  ['connection_name', 'text', ({ connectionName }) => connectionName],
  ['grant_id', 'uuid', ({ grantId }) => grantId],
  ['outcome', 'text', ({ outcome }) => outcome],
  ['details', 'jsonb', ({ details }) => JSON.stringify(details)],
  ['request_id', 'text', ({ requestId }) => requestId],
  ['address', 'text', ({ address }) => address],
]);

const text = `
  insert into audit_events (
    time, actor, action, organization_id, connection_id, connection_name, grant_id, outcome, details, request_id, address
  )
  select
    time, actor, action, organization_id, connection_id, connection_name, grant_id, outcome, details, request_id, address
  from ${events.text} order by n`;

export function createAuditBatchWriter({ pool }: { pool: Pick<pg.Pool, 'connect'> }): AuditBatchWriter {
  return {
    async appendAll(batch) {
      await queryPrepared(pool, { name: 'audit_events', text, values: events.values(batch) });
    },
  };
}
