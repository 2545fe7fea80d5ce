import type { Permission } from '../../domain/callers/caller.ts';

/** Explains each permission to people. */
export const permissionWords: Record<Permission, string> = {
  'connections:read': 'see connections, grants and workflows',
  'connections:write': 'create, change, revoke and delete connections',
  'connections:authorize': 'connect accounts, test and refresh',
  'credentials:read': 'fetch access tokens',
  'workflows:write': 'register, disable and enable workflows',
  'admin:read': 'see every part of the installation and its audit trail',
  'admin:write': 'manage API keys, sweeps and encryption keys',
};
