import type { CredentialMatch, ServableGrant } from '../../src/domain/credential.ts';

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
  facts: {
    expiresAt: new Date('2030-01-01T00:00:00.123Z'),
    refreshExpiresAt: null,
    obtainedAt: new Date('2029-12-31T00:00:00Z'),
    lifetimeSeconds: 3600,
    refreshable: true,
    scopes: ['read', 'a"b'],
  },
  version: 7,
  retryAt: new Date('2030-01-02T00:00:00Z'),
  refreshStartedAt: null,
};
/** Two accounts of a shared connection, one of them without a token, with everything that is awkward to write down. */
export const match: CredentialMatch = {
  connectionId: 'c1',
  connectionName: 'mail',
  organizationId: null,
  flow: 'authorization_code',
  grants: [
    grant,
    { ...grant, id: 'g2', sealedTokens: null, facts: null, retryAt: null, refreshStartedAt: new Date(5) },
  ],
};
