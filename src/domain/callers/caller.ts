import type { OrganizationId } from '../connections/connection.ts';
import { BrokerError } from '../errors.ts';

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

/** One permission, or several of which any one is enough. */
export type RequiredPermission = Permission | readonly [Permission, ...Permission[]];

/** Organisations a caller may act for. `global` is a separate right; `*` does not include it. */
export interface Reach {
  organizations: readonly string[] | '*';
  global: boolean;
}

/** An authenticated API client. */
export interface Caller extends Reach {
  /**
   * Identifier in the audit trail and in `created_by`: `api_key:<id>`, `workload:<issuer>#<subject>`,
   * `person:<issuer>#<subject>` or `bootstrap`.
   */
  id: string;
  name: string;
  permissions: readonly Permission[];
  /** Patterns of connection names for credentials:read (`*` matches any run of characters); null allows every name. */
  connections: readonly string[] | null;
  /** Time at which the caller's own right ends; null if it has no end. */
  expiresAt: Date | null;
  /** Requests that each process accepts from this caller in a minute; null for no limit. */
  rateLimitPerMinute: number | null;
}

/** Origin of a request, for the audit trail. */
export interface Trace {
  requestId: string | null;
  address: string | null;
}

/** A caller and the organisation its request is about. Every use case that touches an organisation takes one. */
export interface Actor {
  caller: Caller;
  organizationId: OrganizationId;
  trace: Trace;
}

/** Throws `forbidden` if the caller has none of the permissions. */
export function requirePermission(caller: Caller, permission: RequiredPermission): void {
  const accepted = typeof permission === 'string' ? [permission] : permission;
  if (accepted.some((each) => caller.permissions.includes(each))) return;
  throw BrokerError.with('forbidden', `This needs the permission ${accepted.join(' or ')}.`, {
    required_permission: accepted[0] ?? '',
  });
}

export function canReach(reach: Reach, organizationId: OrganizationId): boolean {
  if (organizationId === null) return reach.global;
  return reach.organizations === '*' || reach.organizations.includes(organizationId);
}

/** Checks whether the caller reaches every organisation and the global scope. */
export function reachesInstallation({ organizations, global }: Reach): boolean {
  return organizations === '*' && global;
}

/** Throws `forbidden` unless the caller reaches every organisation and the global scope. */
export function requireWholeInstallation(reach: Reach): void {
  if (reachesInstallation(reach)) return;
  throw BrokerError.of('forbidden', 'This needs a key for all organisations and the global scope.');
}

/** Returns the organisation of a caller that reaches exactly one, and not the global scope; null for any other caller. */
export function impliedOrganization({ organizations, global }: Reach): OrganizationId {
  return organizations !== '*' && organizations.length === 1 && !global ? (organizations[0] ?? null) : null;
}

/**
 * Selects the organisation of a request. `named` is null if the request names the global scope. If it names none, it is
 * the caller's only organisation. A caller with the global right, or with several organisations, then acts for the
 * global scope. Throws `forbidden` if the caller cannot reach the selected organisation.
 */
export function selectOrganization(caller: Caller, named: OrganizationId | undefined, trace: Trace): Actor {
  const organizationId = named === undefined ? impliedOrganization(caller) : named;
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

/** Checks whether the caller's credentials:read covers a connection of that name. */
export function mayReadCredentialsOf(caller: Caller, connectionName: string): boolean {
  return caller.connections === null || caller.connections.some((pattern) => matchesPattern(pattern, connectionName));
}

/**
 * Matches `*` with any run of characters, without a regular expression. Several `*` in an expression backtrack over every split of the name: one fetch
 * with a crafted pattern could block the process for hours.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return name === pattern;
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  const middle = name.slice(first.length, name.length - last.length);
  // The earliest match of each part leaves the most text for the parts that follow.
  let from = 0;
  for (const part of rest) {
    const at = middle.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return true;
}
