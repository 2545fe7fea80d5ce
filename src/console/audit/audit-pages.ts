import type { ExportAuditEvents } from '../../broker/administration/export-audit-events.ts';
import type { ListAuditEvents } from '../../broker/administration/list-audit-events.ts';
import type { ListApiKeys } from '../../broker/callers/list-api-keys.ts';
import { accessOf } from '../../domain/callers/access.ts';
import type { Pages } from '../server/page-route.ts';
import { readActorNames } from './actor-names.ts';
import { auditList } from './audit-list.ts';
import { auditFilters, auditQuery, selectionOf } from './audit-query.ts';
import { exportLines, ndjson } from './export.ts';

export interface AuditPagesUseCases {
  listAuditEvents: ListAuditEvents;
  exportAuditEvents: ExportAuditEvents;
  listApiKeys: ListApiKeys;
}

const pageSize = 50;

/** `isClosing`: whether the process is ending, so that an export must end too. */
export function auditPages(pages: Pages, useCases: AuditPagesUseCases, isClosing: () => boolean): void {
  const { listAuditEvents, exportAuditEvents, listApiKeys } = useCases;
  const access = accessOf.listAuditEvents;

  pages.mount({ method: 'GET', path: '/audit', access, query: auditQuery }, async (visit, { query }) => {
    const { cursor, ...filters } = query;
    const page = { limit: pageSize, ...(cursor && { cursor }) };
    const [{ events, nextCursor }, names] = await Promise.all([
      listAuditEvents(visit.caller, selectionOf(filters), page),
      readActorNames(listApiKeys, visit),
    ]);
    return { title: 'Audit', section: 'audit', body: auditList({ visit, filters, events, names, nextCursor }) };
  });

  pages.mount({ method: 'GET', path: '/audit.ndjson', access, query: auditFilters }, async (visit, { query }) => {
    const events = exportAuditEvents(visit.caller, selectionOf(query));
    const content = await exportLines(events, { requestId: visit.trace.requestId, isClosing });
    return { download: { fileName: 'audit-events.ndjson', type: ndjson, content } };
  });
}
