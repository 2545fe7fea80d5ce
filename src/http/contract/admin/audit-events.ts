import { z } from 'zod';
import { auditActions, auditOutcomes } from '../../../domain/audit.ts';
import { accessOf } from '../../../domain/callers/access.ts';
import { organizationIdPattern } from '../../../domain/connections/connection.ts';
import { declare } from '../../declaration.ts';
import { auditEvent, auditEventList, ndjson } from '../../schemas/admin/audit-events.ts';
import { connectionName, instant, queryInteger, queryText } from '../../schemas/fields/text.ts';
import { examples } from '../examples.ts';

export const listAuditEvents = declare({
  operationId: 'listAuditEvents',
  tag: 'Administration',
  summary: 'List or export audit events',
  description: `Lists the events of the caller’s organisations, newest first. With \`Accept: ${ndjson}\` the response is an export: one event a line, newest first, every event that was committed when the export began, each once; limit and cursor are then refused. If an export cannot be finished, its last line is \`{"error": …}\` with a problem and the connection is closed without the end of the body.`,
  method: 'GET',
  path: '/admin/audit-events',
  access: accessOf.listAuditEvents,
  query: z.object({
    actor: queryText(1000).describe(
      'Only events of this caller: api_key:ID, workload:ISSUER#SUBJECT, person:ISSUER#SUBJECT, bootstrap or broker.',
    ),
    action: z.enum(auditActions).optional().describe('Only events of this action.'),
    organization_id: z
      .string()
      .regex(organizationIdPattern, 'is not an organisation id')
      .optional()
      .describe('Only events of this organisation.'),
    connection_name: connectionName.optional().describe('Only events of connections with this name.'),
    grant_id: queryText(100).describe('Only events of this grant.'),
    outcome: z.enum(auditOutcomes).optional().describe('Only events with this outcome.'),
    from: instant.optional().describe('Only events at or after this time.'),
    to: instant.optional().describe('Only events before this time.'),
    limit: queryInteger({ min: 1, max: 200, default: 50 }).describe('Maximum events on a page.'),
    cursor: queryText(1024).describe('next_cursor of the previous page.'),
  }),
  responses: {
    200: {
      description: `A page of events, or with \`Accept: ${ndjson}\` all events, one a line.`,
      schema: auditEventList,
      example: { audit_events: [examples.auditEvent], next_cursor: null },
      alternatives: { [ndjson]: auditEvent },
    },
  },
  problems: [],
});
