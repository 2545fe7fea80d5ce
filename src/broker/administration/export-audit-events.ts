import type { StoredAuditEvent } from '../../domain/audit.ts';
import type { Caller } from '../../domain/callers/caller.ts';
import type { AuditReader } from '../../domain/ports/audit.ts';
import type { AuditSelection } from './list-audit-events.ts';

/** Reads all events within the caller's organisations, newest first, in pieces. Each piece may throw service_unavailable. */
export type ExportAuditEvents = (caller: Caller, selection: AuditSelection) => AsyncIterable<StoredAuditEvent[]>;

export function createExportAuditEvents({ audit }: { audit: Pick<AuditReader, 'export'> }): ExportAuditEvents {
  return (caller, selection) => audit.export({ ...selection, reach: caller });
}
