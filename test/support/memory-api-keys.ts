import type { ApiKey } from '../../src/domain/api-key.ts';
import type { AuditEvent } from '../../src/domain/audit.ts';
import { canReach } from '../../src/domain/caller.ts';
import type { ApiKeyStore } from '../../src/domain/ports/callers.ts';

export interface MemoryApiKeys extends ApiKeyStore {
  rows: Map<string, ApiKey>;
  audit: AuditEvent[];
}

export function createMemoryApiKeys(): MemoryApiKeys {
  const rows = new Map<string, ApiKey>();
  const audit: AuditEvent[] = [];
  const isWithin: (key: ApiKey, reach: Parameters<ApiKeyStore['list']>[0]) => boolean = (key, reach) =>
    (key.organizations === '*' ? reach.organizations === '*' : key.organizations.every((id) => canReach(reach, id))) &&
    (!key.global || reach.global);
  return {
    rows,
    audit,
    find: async (id) => rows.get(id),
    insert: async (key) => void rows.set(key.id, key),
    list: async (reach) => [...rows.values()].filter((key) => isWithin(key, reach)),
    revoke: async (id, reach, now) => {
      const key = rows.get(id);
      if (key === undefined || key.revokedAt !== null || !isWithin(key, reach)) return false;
      rows.set(id, { ...key, revokedAt: now });
      return true;
    },
    touch: async () => undefined,
    appendAudit: async (event) => void audit.push(event),
  };
}
