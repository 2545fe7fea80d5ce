import { type Caller, canReach, mayReadCredentialsOf, type Permission, type Reach } from './caller.ts';

/** An API key as stored. The secret is shown once, at creation, and never stored. */
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
  /** Requests a minute that each process accepts; null for no limit. */
  rateLimitPerMinute: number | null;
  lastUsedAt: Date | null;
  revokedAt: Date | null;
}

/** Privileges of a key. Its creator must hold all of them. */
export type ApiKeyGrant = Pick<ApiKey, 'permissions' | 'organizations' | 'global' | 'connections'>;

/** Lists the privileges of a key that its creator lacks; empty when the creator holds all of them. */
export function privilegesBeyond(creator: Caller, key: ApiKeyGrant): string[] {
  const beyondPermissions = key.permissions.filter((permission) => !creator.permissions.includes(permission));
  const beyondOrganizations =
    key.organizations === '*'
      ? creator.organizations === '*'
        ? []
        : ['every organisation']
      : key.organizations.filter((id) => !canReach(creator, id)).map((id) => `the organisation ${id}`);
  return [
    ...beyondPermissions.map((permission) => `the permission ${permission}`),
    ...beyondOrganizations,
    ...(key.global && !creator.global ? ['the global scope'] : []),
    ...uncoveredPatterns(creator, key.connections).map((pattern) => `connections named ${pattern}`),
  ];
}

/**
 * Lists the patterns that the creator's patterns do not cover. Matching the text of a pattern is enough to cover all
 * its names: only a `*` of the creator can match a `*` in that text.
 */
function uncoveredPatterns(creator: Caller, patterns: readonly string[] | null): readonly string[] {
  if (creator.connections === null) return [];
  return (patterns ?? ['*']).filter((pattern) => !mayReadCredentialsOf(creator, pattern));
}

/** Bounds the expiry of a new key: it never outlives the one that makes it. */
export function expiryWithin(maker: Caller, requested: Date | null): Date | null {
  if (maker.expiresAt === null) return requested;
  return requested === null || requested > maker.expiresAt ? maker.expiresAt : requested;
}

/** Bounds the rate limit of a new key: it is never higher than that of the key that makes it. */
export function rateLimitWithin({ rateLimitPerMinute: own }: Caller, requested: number | null): number | null {
  if (own === null || requested === null) return requested ?? own;
  return Math.min(own, requested);
}

/** Checks whether a key is neither revoked nor expired. */
export function isActive({ revokedAt, expiresAt }: Pick<ApiKey, 'revokedAt' | 'expiresAt'>, now: Date): boolean {
  return revokedAt === null && (expiresAt === null || expiresAt > now);
}

/** Maps an active key to a caller. */
export function callerOfKey(key: ApiKey): Caller {
  const { id, name, permissions, organizations, global, connections, expiresAt, rateLimitPerMinute } = key;
  return { id: callerIdOf(id), name, permissions, organizations, global, connections, expiresAt, rateLimitPerMinute };
}

const callerPrefix = 'api_key:';

/** Id of an API key as a caller: in the audit trail and in `created_by`. */
export function callerIdOf(keyId: string): string {
  return `${callerPrefix}${keyId}`;
}

/** Returns the id of the API key that a caller is; null for another kind of caller. */
export function keyIdOf(callerId: string): string | null {
  return callerId.startsWith(callerPrefix) ? callerId.slice(callerPrefix.length) : null;
}
