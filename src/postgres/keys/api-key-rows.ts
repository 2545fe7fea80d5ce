import type { Insertable, Selectable } from 'kysely';
import type { ApiKey } from '../../domain/callers/api-key.ts';
import type { ApiKeysTable } from '../key-tables.ts';

/** Columns that make up an API key. */
export const apiKeyColumns = [
  'id',
  'name',
  'secret_hash',
  'permissions',
  'organizations',
  'global',
  'connections',
  'created_by',
  'created_at',
  'expires_at',
  'rate_limit_per_minute',
  'last_used_at',
  'revoked_at',
] as const satisfies readonly (keyof ApiKeysTable)[];
export type ApiKeyRow = Pick<Selectable<ApiKeysTable>, (typeof apiKeyColumns)[number]>;

export function toApiKey(row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    name: row.name,
    secretHash: row.secret_hash,
    permissions: row.permissions,
    organizations: row.organizations ?? '*',
    global: row.global,
    connections: row.connections,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    rateLimitPerMinute: row.rate_limit_per_minute,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
  };
}

export function toRow(key: ApiKey): Insertable<ApiKeysTable> {
  return {
    id: key.id,
    name: key.name,
    secret_hash: key.secretHash,
    permissions: [...key.permissions],
    organizations: key.organizations === '*' ? null : [...key.organizations],
    global: key.global,
    connections: key.connections === null ? null : [...key.connections],
    created_by: key.createdBy,
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    rate_limit_per_minute: key.rateLimitPerMinute,
    last_used_at: key.lastUsedAt,
    revoked_at: key.revokedAt,
  };
}
