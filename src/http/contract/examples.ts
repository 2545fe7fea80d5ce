/** Values shown in the documentation. */
const detail = {
  id: '01980c2e-6f5a-7c31-9b0e-0d6d6f1c2a11',
  organization_id: 'acme',
  connection_name: 'crm',
  provider: 'generic',
  oauth_flow_type: 'authorization_code',
  has_client_secret: true,
  scopes: ['contacts.read', 'offline_access'],
  status: 'completed',
  status_reason: null,
  status_message: null,
  expires_at: '2030-01-31T13:00:00.000Z',
  last_refresh_at: '2030-01-31T12:00:00.000Z',
  next_refresh_at: '2030-01-31T12:00:00.000Z',
  last_test_at: '2030-01-31T12:00:00.000Z',
  health_status: 'healthy',
  health_error: null,
  multi_account: false,
  share_with_organizations: true,
  description: null,
  created_by: 'bootstrap',
  created_at: '2030-01-01T09:00:00.000Z',
  updated_at: '2030-01-01T09:00:00.000Z',
  client_id: 'broker-client',
  authorization_url: 'https://provider.example/oauth/authorize',
  token_url: 'https://provider.example/oauth/token',
  revocation_url: null,
  test_url: null,
  redirect_uri: 'https://broker.example/callback/acme/crm',
  token_auth_method: null,
  variables: {},
  authorize_params: {},
  token_params: {},
};

const { client_id, authorization_url, token_url, revocation_url, test_url, redirect_uri, ...rest } = detail;
const { token_auth_method, variables, authorize_params, token_params, ...summary } = rest;

const grant = {
  grant_id: '01980c2f-1b2c-7a44-8f3e-5b1f4f0e9d02',
  subject: null,
  account_id: '4711',
  status: 'completed',
  status_reason: null,
  scopes: ['contacts.read', 'offline_access'],
  expires_at: '2030-01-31T13:00:00.000Z',
  last_refresh_at: '2030-01-31T12:00:00.000Z',
  next_refresh_at: '2030-01-31T12:00:00.000Z',
  health: 'healthy',
};

const credential = {
  connection_name: 'crm',
  organization_id: 'acme',
  grant_organization_id: 'acme',
  subject: null,
  account_id: '4711',
  access_token: 'the-access-token',
  token_type: 'Bearer',
  expires_at: '2030-01-31T13:00:00.000Z',
  scopes: ['contacts.read', 'offline_access'],
  status: 'completed',
  status_reason: null,
  extra: { instance_url: 'https://eu.provider.example' },
};

const apiKey = {
  id: '01980c30-0a5e-7d10-9a55-3c9d7e8f1b23',
  name: 'workflow engine',
  permissions: ['credentials:read'],
  organizations: ['acme'],
  global: false,
  connections: ['crm*'],
  created_by: 'bootstrap',
  created_at: '2030-01-01T09:00:00.000Z',
  expires_at: null,
  last_used_at: null,
  revoked_at: null,
};

export const examples = {
  newConnection: {
    connection_name: 'crm',
    client_id: 'broker-client',
    client_secret: 'the-client-secret',
    authorization_url: 'https://provider.example/oauth/authorize',
    token_url: 'https://provider.example/oauth/token',
    scopes: ['contacts.read', 'offline_access'],
  },
  detail,
  list: { connections: [{ ...summary, shadowed: false }], count: 1, next_cursor: null },
  grant,
  grants: { grants: [grant] },
  imported: { refresh_token: 'the-refresh-token', scopes: 'contacts.read offline_access', account_id: '4711' },
  credential,
  apiKey,
};
