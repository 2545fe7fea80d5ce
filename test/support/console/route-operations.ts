import type { Access, Operation } from '../../../src/domain/callers/access.ts';

/**
 * Operation of the API that each address of the console stands for, written by hand: an address with the access of another
 * operation must fail a test. A page that asks whether to act needs what the act needs.
 */
export const operationOf: Readonly<Record<string, Operation>> = {
  'GET /console/connections/{name}': 'getConnection',
  'GET /console/connections/{name}/why': 'getConnection',
  'GET /console/connections/{name}/timeline': 'getConnection',
  'GET /console/connections/{name}/settings': 'getConnection',
  'GET /console/connections/{name}/use': 'getConnection',
  'GET /console/connections/{name}/grants': 'listGrants',
  'GET /console/connections/{name}/dependants': 'listDependents',
  'POST /console/connections/{name}/connect': 'startAuthorization',
  'POST /console/connections/{name}/test': 'testConnection',
  'POST /console/connections/{name}/refresh': 'refreshGrant',
  'GET /console/connections/{name}/share': 'startAuthorization',
  'POST /console/connections/{name}/share': 'startAuthorization',
  'POST /console/connections/{name}/share-status': 'getAuthorization',
  'POST /console/connections/{name}/share-cancel': 'cancelAuthorization',
  'GET /console/connections/{name}/edit': 'patchConnection',
  'POST /console/connections/{name}/edit': 'patchConnection',
  'GET /console/connections/{name}/delete': 'deleteConnection',
  'POST /console/connections/{name}/delete': 'deleteConnection',

  'GET /console/connections/{name}/grants/{grant_id}': 'getGrant',
  'POST /console/connections/{name}/grants/{grant_id}/refresh': 'refreshGrant',
  'POST /console/connections/{name}/grants/{grant_id}/test': 'testConnection',
  'POST /console/connections/{name}/grants/{grant_id}/reconnect': 'startAuthorization',
  'GET /console/connections/{name}/grants/{grant_id}/revoke': 'revokeGrants',
  'POST /console/connections/{name}/grants/{grant_id}/revoke': 'revokeGrants',
  'GET /console/connections/{name}/grants/{grant_id}/delete': 'deleteGrant',
  'POST /console/connections/{name}/grants/{grant_id}/delete': 'deleteGrant',

  'GET /console/workflows/{id}': 'getWorkflow',
  'POST /console/workflows/{id}/enable': 'enableWorkflow',
  'POST /console/workflows/{id}/disable': 'disableWorkflow',

  'GET /console/sweeps': 'listSweeps',
  'POST /console/sweeps/run': 'requestSweep',
  'POST /console/sweeps/check-all': 'requestHealthRun',
  'GET /console/audit': 'listAuditEvents',
  'GET /console/audit.ndjson': 'listAuditEvents',
  'GET /console/api-keys': 'listApiKeys',
  'GET /console/api-keys/new': 'createApiKey',
  'POST /console/api-keys': 'createApiKey',
  'GET /console/api-keys/{id}/revoke': 'listApiKeys',
  'POST /console/api-keys/{id}/revoke': 'revokeApiKey',
  'GET /console/providers': 'listProviders',
  'GET /console/providers/{id}': 'getProvider',
  'GET /console/encryption': 'readEncryption',
  'POST /console/encryption/rotate': 'rotateKeys',
  'POST /console/encryption/keys/{id}/backup': 'rotateKeys',
  'GET /console/encryption/data-keys/{id}/retire': 'readEncryption',
  'POST /console/encryption/data-keys/{id}/retire': 'retireDataKey',
};

/** Addresses whose access is no operation's, and why. */
export const ownAccess: Readonly<Record<string, { access: Access | { for: 'session' }; because: string }>> = {
  'POST /console/sign-out': { access: { for: 'session' }, because: 'A person always ends their own session.' },
  'GET /console/sessions': { access: { for: 'session' }, because: 'It shows the sessions of the visitor only.' },
  'POST /console/sessions/end-all': {
    access: { for: 'session' },
    because: 'It ends the sessions of the visitor only.',
  },
  'GET /console': { access: { for: 'session' }, because: 'It leaves out the parts that need more.' },
  'GET /console/connections': {
    access: { for: 'session' },
    because: 'Administrators see the whole installation, others one organisation: the use case refuses.',
  },
  'POST /console/connections': {
    access: { for: 'session' },
    because: 'It acts on rows of several organisations: the use case refuses each.',
  },
  'GET /console/grants': { access: { for: 'session' }, because: 'It says which permission it needs.' },
  'GET /console/explain': {
    access: { for: 'session' },
    because: 'The form is empty until the organisation is chosen.',
  },
  'GET /console/workflows': { access: { for: 'session' }, because: 'The page asks for the organisation first.' },
  'GET /console/doctor': { access: { for: 'session' }, because: 'It skips the checks that need more.' },
  'GET /console/new-connection': {
    access: { for: 'caller', permission: 'connections:write' },
    because: 'The form names the organisation.',
  },
  'POST /console/new-connection': {
    access: { for: 'caller', permission: 'connections:write' },
    because: 'The form names the organisation.',
  },
};
