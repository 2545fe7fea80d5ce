import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { ExportAuditEvents } from '../../../broker/administration/export-audit-events.ts';
import type { AuditSelection, ListAuditEvents } from '../../../broker/administration/list-audit-events.ts';
import { BrokerError, invalidRequest, isBrokerError } from '../../../domain/errors.ts';
import * as routes from '../../contract/admin/audit-events.ts';
import { type Call, mount } from '../../mount.ts';
import { toProblem } from '../../problem.ts';
import { fromAuditEvent, ndjson } from '../../schemas/admin/audit-events.ts';

export interface AuditUseCases {
  listAuditEvents: ListAuditEvents;
  exportAuditEvents: ExportAuditEvents;
}

type ListCall = Call<typeof routes.listAuditEvents>;

export function auditEventRoutes(app: FastifyInstance, useCases: AuditUseCases, publicPath: string): void {
  let isClosing = false;
  app.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });

  mount(app, routes.listAuditEvents, async (call, reply) => {
    const { caller, query, request } = call;
    const selection = selectionOf(query);
    if (!acceptsLines(request.headers.accept)) {
      const { limit, cursor } = query;
      const page = await useCases.listAuditEvents(caller, selection, { limit, ...(cursor ? { cursor } : {}) });
      return { audit_events: page.events.map(fromAuditEvent), next_cursor: page.nextCursor };
    }
    refusePaging(request.query);
    reply.type(ndjson);
    // Fastify would read the whole export to answer HEAD.
    if (request.method === 'HEAD') return '';
    return streamLines(call, selection);
  });

  /** Sends the first piece or refuses with a status; later failures end the stream. */
  async function streamLines({ caller, request }: ListCall, selection: AuditSelection): Promise<Readable> {
    const pieces = useCases.exportAuditEvents(caller, selection)[Symbol.asyncIterator]();
    const first = await pieces.next();
    async function* lines(): AsyncGenerator<string> {
      try {
        for (let piece = first; piece.done !== true; piece = await pieces.next()) {
          yield piece.value.map((event) => `${JSON.stringify(fromAuditEvent(event))}\n`).join('');
          if (isClosing) throw BrokerError.with('service_unavailable', 'The process is ending.', { retry_after: 1 });
        }
      } catch (error) {
        const refusal = isBrokerError(error) ? error : BrokerError.of('internal_error', 'The export failed.', error);
        request.log.error({ request_id: request.id, err: error }, 'audit export ended early');
        yield `${JSON.stringify({ error: toProblem(refusal, request.id, publicPath) })}\n`;
        // Closes the connection: a client that does not read the last line misses the end of the body.
        throw refusal;
      } finally {
        await pieces.return?.();
      }
    }
    return Readable.from(lines(), { objectMode: false, highWaterMark: 64 * 1024 });
  }
}

function acceptsLines(accept: string | undefined): boolean {
  return accept?.split(',').some((each) => each.split(';', 1)[0]?.trim().toLowerCase() === ndjson) ?? false;
}

function refusePaging(query: unknown): void {
  for (const name of ['limit', 'cursor']) {
    if (Object.hasOwn(Object(query), name)) {
      throw invalidRequest({ path: `query.${name}`, message: 'has no effect on an export, which has no pages' });
    }
  }
}

function selectionOf(query: ListCall['query']): AuditSelection {
  const { actor, action, organization_id, connection_name, grant_id, outcome, from, to } = query;
  return {
    ...(actor ? { actor } : {}),
    ...(action && { action }),
    ...(organization_id && { organizationId: organization_id }),
    ...(connection_name && { connectionName: connection_name }),
    ...(grant_id ? { grantId: grant_id } : {}),
    ...(outcome && { outcome }),
    ...(from && { from }),
    ...(to && { to }),
  };
}
