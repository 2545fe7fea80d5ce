import type { AuditEvent } from '../../../src/domain/audit.ts';
import { type ApiKey, callerIdOf, keyIdOf } from '../../../src/domain/callers/api-key.ts';
import { canReach, type Reach } from '../../../src/domain/callers/caller.ts';
import type { ApiKeyStore } from '../../../src/domain/ports/callers.ts';
import { byCreation } from './stores/state.ts';

export interface MemoryApiKeys extends ApiKeyStore {
  rows: Map<string, ApiKey>;
  audit: AuditEvent[];
}

export function createMemoryApiKeys(): MemoryApiKeys {
  const rows = new Map<string, ApiKey>();
  const audit: AuditEvent[] = [];
  const below = (id: string): ApiKey[] =>
    [...rows.values()]
      .filter(({ createdBy }) => createdBy === callerIdOf(id))
      .flatMap((key) => [key, ...below(key.id)]);
  return {
    rows,
    audit,
    find: async (id) => rows.get(id),
    insert: async (key, event) => {
      const makerId = keyIdOf(key.createdBy);
      if (makerId !== null && rows.get(makerId)?.revokedAt !== null) return false;
      rows.set(key.id, key);
      audit.push(event);
      return true;
    },
    list: async (reach) => byCreation(rows.values()).filter((key) => isWithin(key, reach)),
    revoke: async (id, { reach, cascade, now, eventOf }) => {
      const root = rows.get(id);
      if (root === undefined || !isWithin(root, reach)) return [];
      const chain = cascade ? [root, ...below(id)] : [root];
      const active = chain.filter(({ revokedAt }) => revokedAt === null).map((key) => ({ ...key, revokedAt: now }));
      for (const key of active) {
        rows.set(key.id, key);
        audit.push(eventOf(key));
      }
      return active;
    },
    touch: async (ids, now) => {
      for (const id of ids) {
        const key = rows.get(id);
        if (key === undefined || (key.lastUsedAt !== null && key.lastUsedAt > now)) continue;
        rows.set(id, { ...key, lastUsedAt: now });
      }
    },
  };
}

function isWithin({ organizations, global }: ApiKey, reach: Reach): boolean {
  if (global && !reach.global) return false;
  return organizations === '*' ? reach.organizations === '*' : organizations.every((id) => canReach(reach, id));
}
