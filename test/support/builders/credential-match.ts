import type { CredentialMatch, ServableGrant } from '../../../src/domain/grants/credential.ts';

const grant: ServableGrant = {
  id: 'g1',
  connectionId: 'c1',
  organizationId: null,
  subject: null,
  accountId: 'T1',
  status: 'failed',
  statusReason: 'provider_rejected',
  statusMessage: 'größer als «einfach»',
  sealedTokens: Buffer.from([0, 255, 34, 92]),
  metadata: {
    expiresAt: new Date('2030-01-01T00:00:00.123Z'),
    refreshExpiresAt: null,
    obtainedAt: new Date('2029-12-31T00:00:00Z'),
    lifetimeSeconds: 3600,
    refreshable: true,
    scopes: ['read', 'a"b'],
  },
  longestLifetimeSeconds: 3600,
  version: 7,
  reportedVersion: null,
  retryAt: new Date('2030-01-02T00:00:00Z'),
  refreshStartedAt: null,
};
/** Two accounts of a shared connection, one without a token, with values that are hard to encode. */
export const match: CredentialMatch = {
  connectionId: 'c1',
  connectionName: 'mail',
  organizationId: null,
  flow: 'authorization_code',
  provider: 'generic',
  grants: [
    grant,
    { ...grant, id: 'g2', sealedTokens: null, metadata: null, retryAt: null, refreshStartedAt: new Date(5) },
  ],
};
