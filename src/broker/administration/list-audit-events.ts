import type { Caller } from '../../domain/callers/caller.ts';
import type { AuditFilter, AuditPage, AuditReader } from '../../domain/ports/audit.ts';

export type AuditSelection = Omit<AuditFilter, 'reach'>;

/** Lists a page of the events within the caller's organisations, newest first. Throws invalid_request for the cursor. */
export type ListAuditEvents = (
  caller: Caller,
  selection: AuditSelection,
  page: { limit: number; cursor?: string },
) => Promise<AuditPage>;

export function createListAuditEvents({ audit }: { audit: Pick<AuditReader, 'list'> }): ListAuditEvents {
  return (caller, selection, page) => audit.list({ ...selection, reach: caller }, page);
}
