import type { OrganizationId } from './connection.ts';
import { BrokerError } from './errors.ts';

export const permissions = [
  'connections:read',
  'connections:write',
  'connections:authorize',
  'credentials:read',
  'workflows:write',
  'admin:read',
  'admin:write',
] as const;
export type Permission = (typeof permissions)[number];

/** Which organisations a caller may act for; `global` is a right of its own, not implied by `*`. */
export interface Reach {
  organizations: readonly string[] | '*';
  global: boolean;
}

/** An authenticated API client. */
export interface Caller extends Reach {
  /** What audit and `created_by` record: `api_key:<id>`, `bootstrap`. */
  id: string;
  name: string;
  permissions: readonly Permission[];
  /** Patterns (`*` matches any run of characters) of connection names for credentials:read; null means every name. */
  connections: readonly string[] | null;
}

/** Where a request came from, for the audit record. */
export interface Trace {
  requestId: string | null;
  address: string | null;
}

/** A caller together with the organisation the request is about. Every use case that touches an organisation takes one. */
export interface Actor {
  caller: Caller;
  organizationId: OrganizationId;
  trace: Trace;
}

export function requirePermission(caller: Caller, permission: Permission): void {
  if (!caller.permissions.includes(permission)) {
    throw BrokerError.with('forbidden', `This needs the permission ${permission}.`, {
      required_permission: permission,
    });
  }
}

export function canReach(reach: Reach, organizationId: OrganizationId): boolean {
  if (organizationId === null) return reach.global;
  return reach.organizations === '*' || reach.organizations.includes(organizationId);
}

/**
 * The organisation a request is about. Without one named: the global scope, or the only organisation of a caller that
 * has exactly one and no right to the global scope. Throws `forbidden` for an organisation out of the caller's reach.
 */
export function selectOrganization(caller: Caller, named: string | undefined, trace: Trace): Actor {
  const only =
    caller.organizations !== '*' && caller.organizations.length === 1 && !caller.global
      ? caller.organizations[0]
      : undefined;
  const organizationId = named ?? only ?? null;
  if (!canReach(caller, organizationId)) {
    throw BrokerError.of(
      'forbidden',
      organizationId === null
        ? 'Name an organisation in X-Organization-Id; this caller has no right to the global scope.'
        : 'This caller may not act for that organisation.',
    );
  }
  return { caller, organizationId, trace };
}

/** Whether credentials:read of this caller covers a connection of that name. */
export function mayReadCredentialsOf(caller: Caller, connectionName: string): boolean {
  return caller.connections === null || caller.connections.some((pattern) => matches(pattern, connectionName));
}

/**
 * Not as a regular expression: several `*` in one would try every way to share out the name among them, and whoever
 * writes a key's patterns could keep the whole process busy for hours with one fetch.
 */
function matches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  const middle = name.slice(first.length, name.length - last.length);
  // The earliest place of each part leaves the most room for those that follow.
  let from = 0;
  for (const part of rest) {
    const at = middle.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return true;
}
