import { type Caller, canReach, mayReadCredentialsOf, type Permission, type Reach } from './caller.ts';

/** An API key as stored: the secret itself is shown once and never kept. */
export interface ApiKey extends Reach {
  id: string;
  name: string;
  /** SHA-256 of the secret part. */
  secretHash: Uint8Array;
  permissions: Permission[];
  connections: string[] | null;
  createdBy: string;
  createdAt: Date;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}

/** What a key is allowed: what its maker must be allowed too. */
export type ApiKeyGrant = Pick<ApiKey, 'permissions' | 'organizations' | 'global' | 'connections'>;

/** In what a key reaches beyond its maker; empty where it does not. */
export function excessOver(maker: Caller, key: ApiKeyGrant): string[] {
  const beyondPermissions = key.permissions.filter((permission) => !maker.permissions.includes(permission));
  const beyondOrganizations =
    key.organizations === '*'
      ? maker.organizations === '*'
        ? []
        : ['every organisation']
      : key.organizations.filter((id) => !canReach(maker, id)).map((id) => `the organisation ${id}`);
  return [
    ...beyondPermissions.map((permission) => `the permission ${permission}`),
    ...beyondOrganizations,
    ...(key.global && !maker.global ? ['the global scope'] : []),
    ...uncoveredPatterns(maker, key.connections).map((pattern) => `connections named ${pattern}`),
  ];
}

/**
 * A maker's pattern that matches another pattern's own text covers all that the other one matches: the text's `*` can
 * only have been matched by a `*`.
 */
function uncoveredPatterns(maker: Caller, patterns: readonly string[] | null): readonly string[] {
  if (maker.connections === null) return [];
  return (patterns ?? ['*']).filter((pattern) => !mayReadCredentialsOf(maker, pattern));
}
