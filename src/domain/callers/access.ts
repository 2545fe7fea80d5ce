import type { OrganizationId } from '../connections/connection.ts';
import {
  type Actor,
  type Caller,
  type RequiredPermission,
  requirePermission,
  requireWholeInstallation,
  selectOrganization,
  type Trace,
} from './caller.ts';

/**
 * Access rule of an operation.
 * - caller: needs an authenticated caller with the permission.
 * - installation: needs the same, and a caller that reaches every organisation and the global scope.
 * - organization: needs a caller with the permission, and selects the organisation that the call acts for.
 */
export type Access = AccessForCaller | AccessForOrganization;

interface AccessForCaller {
  for: 'caller' | 'installation';
  permission: RequiredPermission;
}

export interface AccessForOrganization {
  for: 'organization';
  permission: RequiredPermission;
}

/** Access rule of each operation that needs a caller, by operation id. The API and the console both read it here. */
export const accessOf = {
  createConnection: { for: 'organization', permission: 'connections:write' },
  listConnections: { for: 'organization', permission: 'connections:read' },
  getConnection: { for: 'organization', permission: 'connections:read' },
  patchConnection: { for: 'organization', permission: 'connections:write' },
  replaceConnection: { for: 'organization', permission: 'connections:write' },
  deleteConnection: { for: 'organization', permission: 'connections:write' },

  listGrants: { for: 'organization', permission: 'connections:read' },
  getGrant: { for: 'organization', permission: 'connections:read' },
  importGrant: { for: 'organization', permission: 'connections:write' },
  deleteGrant: { for: 'organization', permission: 'connections:write' },
  refreshGrant: { for: 'organization', permission: 'connections:authorize' },
  testConnection: { for: 'organization', permission: 'connections:authorize' },
  revokeGrants: { for: 'organization', permission: 'connections:write' },

  startAuthorization: { for: 'organization', permission: 'connections:authorize' },
  getAuthorization: { for: 'organization', permission: ['connections:read', 'connections:authorize'] },
  confirmAuthorization: { for: 'organization', permission: 'connections:authorize' },
  cancelAuthorization: { for: 'organization', permission: 'connections:authorize' },

  getCredential: { for: 'organization', permission: 'credentials:read' },
  explainCredential: { for: 'organization', permission: 'connections:read' },
  renewCredential: { for: 'organization', permission: 'credentials:read' },

  registerDependency: { for: 'organization', permission: 'workflows:write' },
  listDependencies: { for: 'organization', permission: 'connections:read' },
  listDependents: { for: 'organization', permission: 'connections:read' },
  getWorkflow: { for: 'organization', permission: 'connections:read' },
  listDisabledWorkflows: { for: 'organization', permission: 'connections:read' },
  disableWorkflow: { for: 'organization', permission: 'workflows:write' },
  enableWorkflow: { for: 'organization', permission: 'workflows:write' },

  listProviders: { for: 'caller', permission: 'connections:read' },
  getProvider: { for: 'caller', permission: 'connections:read' },

  createApiKey: { for: 'caller', permission: 'admin:write' },
  listApiKeys: { for: 'caller', permission: 'admin:read' },
  revokeApiKey: { for: 'caller', permission: 'admin:write' },
  listAuditEvents: { for: 'caller', permission: 'admin:read' },

  getFleetStats: { for: 'caller', permission: 'admin:read' },
  listFleetConnections: { for: 'caller', permission: 'admin:read' },
  getFleetConnection: { for: 'caller', permission: 'admin:read' },
  listFleetGrants: { for: 'caller', permission: 'admin:read' },
  getFleetGrant: { for: 'caller', permission: 'admin:read' },
  importGrants: { for: 'installation', permission: 'admin:write' },

  requestSweep: { for: 'installation', permission: 'admin:write' },
  listSweeps: { for: 'installation', permission: 'admin:read' },
  checkOneHealth: { for: 'caller', permission: 'admin:write' },
  requestHealthRun: { for: 'installation', permission: 'admin:write' },
  getHealthStats: { for: 'caller', permission: 'admin:read' },
  getMetrics: { for: 'installation', permission: 'admin:read' },

  readEncryption: { for: 'installation', permission: 'admin:read' },
  rotateKeys: { for: 'installation', permission: 'admin:write' },
  retireDataKey: { for: 'installation', permission: 'admin:write' },
} as const satisfies Record<string, Access>;

/** Name of an operation that needs a caller: its operation id. */
export type Operation = keyof typeof accessOf;

/**
 * Decides whether the caller may run an operation. Returns the actor of an operation for one organisation, null for any
 * other. `organization` is the one that the request names, null for the global scope; without it the rule of
 * `selectOrganization` holds. Throws `forbidden`.
 */
export function authorize(
  caller: Caller,
  access: AccessForOrganization,
  organization: OrganizationId | undefined,
  trace: Trace,
): Actor;
export function authorize(
  caller: Caller,
  access: Access,
  organization: OrganizationId | undefined,
  trace: Trace,
): Actor | null;
export function authorize(
  caller: Caller,
  access: Access,
  organization: OrganizationId | undefined,
  trace: Trace,
): Actor | null {
  requirePermission(caller, access.permission);
  if (access.for === 'installation') requireWholeInstallation(caller);
  return access.for === 'organization' ? selectOrganization(caller, organization, trace) : null;
}
