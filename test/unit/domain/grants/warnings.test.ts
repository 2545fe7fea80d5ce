import { describe, expect, test } from 'vitest';
import type { Flow } from '../../../../src/domain/connections/connection.ts';
import type { Grant, LastError, TokenMetadata } from '../../../../src/domain/grants/grant.ts';
import {
  grantWarnings,
  type WarnedConnection,
  type WarnedSettings,
  type WarningCode,
  type WarningPolicy,
  warningCodes,
} from '../../../../src/domain/grants/warnings.ts';
import { aGrant, aSibling, someMetadata } from '../../../support/builders/grant.ts';

const now = new Date('2026-01-01T12:00:00Z');
const minute = 60_000;
const day = 24 * 60 * minute;
const at = (ms: number) => new Date(now.getTime() + ms);
const policy: WarningPolicy = {
  schedule: { intervalMs: 30 * minute, windowMs: 240 * minute },
  expiryWarningMs: 7 * day,
};
const settings: WarnedSettings = { flow: 'authorization_code', scopes: ['read'], authorizeParams: {} };
const refused: LastError = {
  class: 'client',
  error: 'invalid_client',
  errorDescription: null,
  httpStatus: 401,
  at: now,
  attempts: 1,
};

interface Case {
  name: string;
  grant?: Partial<Grant>;
  metadata?: Partial<TokenMetadata>;
  settings?: Partial<WarnedSettings>;
  connection?: Pick<WarnedConnection, 'clientSecretRefusedAt'>;
  policy?: Partial<WarningPolicy>;
}

function warningsOf({ grant, metadata, ...over }: Case) {
  const fresh = { expiresAt: at(60 * minute), obtainedAt: now, lifetimeSeconds: 3600 };
  return grantWarnings(
    aGrant({ metadata: someMetadata({ ...fresh, ...metadata }), ...grant }),
    { clientSecretRefusedAt: null, ...over.connection, settings: { ...settings, ...over.settings } },
    { ...policy, ...over.policy },
    now,
  );
}

const flow = (value: Flow) => ({ settings: { flow: value } });

describe('a grant without a problem has no warnings', () => {
  test.each<Case>([
    { name: 'a new authorization' },
    { name: 'a refreshed grant', grant: { lastRefreshAt: at(-minute) } },
    {
      name: 'client_credentials, which needs no refresh token',
      metadata: { refreshable: false },
      ...flow('client_credentials'),
    },
    {
      name: 'client_credentials before its first refresh',
      metadata: { obtainedAt: null },
      ...flow('client_credentials'),
    },
    { name: 'more scopes than requested', metadata: { scopes: ['read', 'write'] } },
    { name: 'offline_access not listed as granted', grant: { requestedScopes: ['read', 'offline_access'] } },
    { name: 'a refresh token that lives long', metadata: { refreshExpiresAt: at(8 * day) } },
    { name: 'expiry warnings disabled', metadata: { refreshExpiresAt: at(day) }, policy: { expiryWarningMs: 0 } },
    { name: 'a failure of the provider', grant: { lastError: { ...refused, class: 'transient' } } },
    { name: 'an account that the provider named', grant: { accountId: 'A', accountVerified: true } },
    { name: 'a healthy probe', grant: { health: 'healthy' } },
    { name: 'a second token set that works', metadata: { siblings: { user: aSibling() } } },
    { name: 'tokens that were dropped', grant: { sealedTokens: null, metadata: null, health: 'unhealthy' } },
  ])('$name', (one) => {
    expect(warningsOf(one)).toEqual([]);
  });
});

const conditions: Record<WarningCode, (Case & { says: string })[]> = {
  no_refresh_token: [
    {
      name: 'nothing requested',
      metadata: { refreshable: false },
      says: 'offline_access or access_type=offline or prompt=consent',
    },
    {
      name: 'offline_access already requested',
      metadata: { refreshable: false },
      settings: { scopes: ['offline_access'], authorizeParams: { access_type: 'offline' } },
      says: 'Add prompt=consent',
    },
    {
      name: 'everything requested',
      metadata: { refreshable: false },
      settings: { scopes: ['offline_access'], authorizeParams: { access_type: 'offline', prompt: 'consent' } },
      says: 'Check at the provider',
    },
    { name: 'imported', metadata: { refreshable: false }, ...flow('refresh_token'), says: 'Import a refresh token' },
  ],
  short_lived: [{ name: 'ten minutes', metadata: { lifetimeSeconds: 600 }, says: '600 seconds' }],
  unknown_expiry: [{ name: 'no expiry', metadata: { expiresAt: null, lifetimeSeconds: null }, says: 'no expiry' }],
  scopes_narrowed: [
    { name: 'two are missing', grant: { requestedScopes: ['read', 'write', 'admin'] }, says: 'write, admin' },
  ],
  client_secret_refused: [
    { name: 'live tokens', connection: { clientSecretRefusedAt: now }, says: 'still accepts the old one' },
    {
      name: 'dropped tokens',
      grant: { sealedTokens: null, metadata: null },
      connection: { clientSecretRefusedAt: now },
      says: 'since 2026-01-01T12:00:00.000Z',
    },
  ],
  client_refused: [
    { name: 'live tokens', grant: { lastError: refused }, says: 'invalid_client' },
    {
      name: 'dropped tokens',
      grant: { lastError: refused, sealedTokens: null, metadata: null },
      says: 'client secret',
    },
  ],
  refresh_token_expires: [
    { name: 'within the limit', metadata: { refreshExpiresAt: at(day) }, says: 'expires at 2026-01-02T12:00:00.000Z' },
    { name: 'already', metadata: { refreshExpiresAt: at(-day) }, says: 'expired at 2025-12-31T12:00:00.000Z' },
  ],
  sibling_failed: [
    {
      name: 'a refused refresh token beside a live token',
      metadata: { siblings: { user: aSibling({ status: 'failed', statusReason: 'reauthorization_required' }) } },
      says: 'user can no longer be refreshed: reauthorization_required. Its token is served until',
    },
    {
      name: 'expired without a refresh token',
      metadata: { siblings: { user: aSibling({}, { expiresAt: at(-day), refreshable: false }) } },
      says: 'user expired at 2025-12-31T12:00:00.000Z',
    },
  ],
  never_refreshed: [
    { name: 'imported', metadata: { obtainedAt: null }, says: 'No refresh' },
    { name: 'expired', metadata: { expiresAt: now }, says: 'No refresh' },
  ],
  account_unverified: [{ name: 'named by a caller', grant: { accountId: 'A' }, says: 'not by the provider' }],
  probe_failed: [
    { name: 'with a reason', grant: { health: 'unhealthy', healthError: 'HTTP 403.' }, says: 'HTTP 403.' },
    { name: 'without one', grant: { health: 'unhealthy' }, says: 'health check failed.' },
  ],
};

describe.each(warningCodes)('%s', (code) => {
  test.each(conditions[code])('is the only warning: $name', (one) => {
    expect(warningsOf(one)).toEqual([{ code, message: expect.stringContaining(one.says) }]);
  });
});

test('several conditions are listed together', () => {
  const metadata = { refreshable: false, lifetimeSeconds: 600, scopes: [] };
  const codes = warningsOf({ name: 'several', metadata, grant: { health: 'unhealthy' } }).map(({ code }) => code);
  expect(codes).toEqual(['no_refresh_token', 'short_lived', 'scopes_narrowed', 'probe_failed']);
});
