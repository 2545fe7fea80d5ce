import type { StoredAuditEvent } from '../../../../src/domain/audit.ts';
import { canReach } from '../../../../src/domain/callers/caller.ts';
import type { AuditFilter, AuditReader } from '../../../../src/domain/ports/audit.ts';
import type { MemoryState } from './state.ts';

export function createMemoryAuditReader({ rows }: MemoryState): AuditReader {
  const matching = (filter: AuditFilter): StoredAuditEvent[] =>
    rows.audit
      .map((event, index) => ({ ...event, id: String(index + 1) }))
      .filter((event) => canReach(filter.reach, event.organizationId) && isMeant(filter, event))
      .sort((a, b) => b.time.getTime() - a.time.getTime() || Number(b.id) - Number(a.id));
  return {
    async list(filter, { limit, cursor = '0' }) {
      const end = Number(cursor) + limit;
      const events = matching(filter);
      return {
        events: events.slice(Number(cursor), end),
        nextCursor: end < events.length ? String(end) : null,
      };
    },
    async *export(filter) {
      yield matching(filter);
    },
  };
}

function isMeant(filter: AuditFilter, event: StoredAuditEvent): boolean {
  const { actor, action, organizationId, connectionName, grantId, outcome, from, to } = filter;
  const equal = { actor, action, organizationId, connectionName, grantId, outcome };
  return (
    Object.entries(equal).every(
      ([name, value]) => value === undefined || event[name as keyof typeof equal] === value,
    ) &&
    (from === undefined || event.time >= from) &&
    (to === undefined || event.time < to)
  );
}
