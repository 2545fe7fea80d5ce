import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { Connection, ConnectionSettings, OrganizationId } from '../../../src/domain/connections/connection.ts';

export function someSettings(changes: Partial<ConnectionSettings> = {}): ConnectionSettings {
  return {
    provider: 'generic',
    flow: 'authorization_code',
    clientId: 'client',
    authorizationUrl: null,
    tokenUrl: null,
    revocationUrl: null,
    testUrl: null,
    tokenAuthMethod: null,
    variables: {},
    scopes: ['read'],
    authorizeParams: {},
    tokenParams: {},
    multiAccount: false,
    shareWithOrganizations: true,
    allowImport: false,
    pkce: null,
    terminalErrors: [],
    errorPath: null,
    description: null,
    managedBy: null,
    ...changes,
  };
}

export function aConnection(
  organizationId: OrganizationId,
  name: string,
  settings: Partial<ConnectionSettings> = {},
): Connection {
  const now = new Date();
  return {
    id: v7(),
    organizationId,
    name,
    settings: someSettings({
      authorizationUrl: 'https://provider.example/authorize',
      tokenUrl: 'https://provider.example/token',
      variables: { tenant: 'one' },
      scopes: ['read', 'write'],
      authorizeParams: { audience: 'api' },
      ...settings,
    }),
    sealedClientSecrets: randomBytes(16),
    clientSecretFingerprint: null,
    clientSecretRefusedAt: null,
    secretOrigins: { testUrl: null, revocationUrl: null },
    configVersion: 1,
    revision: 1,
    appliedRevision: null,
    createdBy: 'bootstrap',
    createdAt: now,
    updatedAt: now,
  };
}
