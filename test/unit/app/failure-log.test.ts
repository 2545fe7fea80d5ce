import { describe, expect, test } from 'vitest';
import {
  logExpiryWarnings,
  logHealthChanges,
  logRecordedFailures,
  logRefreshFailures,
  logRevocationsGivenUp,
} from '../../../src/app/log/failure-log.ts';
import type { AuditEvent } from '../../../src/domain/audit.ts';
import type { PendingRevocation } from '../../../src/domain/ports/maintenance/revocations.ts';
import { aConnection } from '../../support/builders/connection.ts';
import { aGrant } from '../../support/builders/grant.ts';
import { createMemoryStores } from '../../support/memory/stores/stores.ts';

const baseUrl = () => 'https://broker.example/oauth';
const consoleUrl = 'https://broker.example/oauth/console/connections/crm';
const grantUrl = `${consoleUrl}/grants/grant-1?organization=acme`;

test('a failed refresh is one warning that says whose it was, what was said and when the next try is', () => {
  const lines: unknown[][] = [];
  const warn = (...line: unknown[]) => void lines.push(line);
  const retryAt = new Date('2030-01-01T00:05:00Z');
  logRefreshFailures(
    { warn },
    baseUrl,
  )({
    grant: { id: 'grant-1', organizationId: 'acme', subject: 'ann' },
    connectionName: 'crm',
    error: {
      class: 'reauthorization',
      error: 'invalid_grant',
      errorDescription: 'Token has been revoked.',
      httpStatus: 400,
      at: new Date('2030-01-01T00:00:00Z'),
      attempts: 1,
    },
    failed: 'reauthorization_required',
    retryAt,
  });
  expect(lines).toEqual([
    [
      {
        connection_name: 'crm',
        organization_id: 'acme',
        subject: 'ann',
        grant_id: 'grant-1',
        class: 'reauthorization',
        error: 'invalid_grant',
        error_description: 'Token has been revoked.',
        http_status: 400,
        attempts: 1,
        status_reason: 'reauthorization_required',
        retry_at: retryAt,
        console_url: grantUrl,
      },
      'refresh failed',
    ],
  ]);
});

test('a grant that becomes unhealthy is one warning, and one that is healthy again is one notice', () => {
  const lines: unknown[][] = [];
  const log = {
    warn: (...line: unknown[]) => void lines.push(['warn', ...line]),
    info: (...line: unknown[]) => void lines.push(['info', ...line]),
  };
  const report = logHealthChanges(log, baseUrl);
  const change = { grant: { id: 'grant-1', organizationId: 'acme', subject: 'ann' }, connectionName: 'crm' };
  report({ ...change, health: 'unhealthy', error: 'rejected: 401' });
  report({ ...change, health: 'healthy', error: null });
  const names = { connection_name: 'crm', organization_id: 'acme', subject: 'ann', grant_id: 'grant-1' };
  expect(lines).toEqual([
    ['warn', { ...names, reason: 'rejected: 401', console_url: grantUrl }, 'health check failed'],
    ['info', names, 'health restored'],
  ]);
});

test('a refresh token that will expire is one warning, with the page of a shared grant in the global scope', () => {
  const lines: unknown[][] = [];
  const refreshExpiresAt = new Date('2030-01-08T00:00:00Z');
  logExpiryWarnings(
    { warn: (...line: unknown[]) => void lines.push(line) },
    baseUrl,
  )({
    grantId: 'grant-1',
    organizationId: null,
    connectionId: 'connection-1',
    connectionName: 'crm',
    refreshExpiresAt,
  });
  expect(lines).toEqual([
    [
      {
        grant_id: 'grant-1',
        connection_name: 'crm',
        organization_id: null,
        refresh_expires_at: refreshExpiresAt,
        console_url: `${consoleUrl}/grants/grant-1?organization=`,
      },
      'refresh token will expire',
    ],
  ]);
});

test('a revocation given up is one warning with the page of the connection, which outlives a deleted grant', () => {
  const lines: unknown[][] = [];
  const createdAt = new Date('2030-01-01T00:00:00Z');
  const { id, organizationId, subject, origins } = aGrant({ id: 'grant-1', organizationId: 'acme' });
  const revocation: PendingRevocation = {
    id: 'revocation-1',
    grant: { id, organizationId, subject, origins, sealedTokens: Buffer.alloc(0) },
    connection: aConnection(null, 'crm'),
    attempts: 9,
    createdAt,
    isClientGone: false,
  };
  logRevocationsGivenUp({ warn: (...line: unknown[]) => void lines.push(line) }, baseUrl)({ revocation, error: 'no' });
  expect(lines).toEqual([
    [
      {
        connection_name: 'crm',
        organization_id: 'acme',
        grant_id: 'grant-1',
        attempts: 9,
        revoked_at: createdAt,
        error: 'no',
        console_url: `${consoleUrl}?organization=acme`,
      },
      'revocation at provider given up',
    ],
  ]);
});

describe('failures that a transaction records', () => {
  const failure: Omit<AuditEvent, 'organizationId'> = {
    time: new Date('2030-01-01T00:00:00Z'),
    actor: 'key',
    action: 'connection.tested',
    connectionId: null,
    connectionName: 'crm',
    grantId: null,
    outcome: 'failure',
    details: { subject: 'ann', reason: 'refused' },
    requestId: null,
    address: null,
  };

  function open() {
    const lines: unknown[][] = [];
    const { database } = createMemoryStores(() => new Date());
    const log = { warn: (...line: unknown[]) => void lines.push(line) };
    return { lines, database: logRecordedFailures(database, log, baseUrl) };
  }

  test('each is one warning after the commit', async () => {
    const { lines, database } = open();
    const result = await database.write('acme', async ({ audit }) => {
      await audit.append(failure);
      await audit.append({ ...failure, outcome: 'success' });
      expect(lines).toEqual([]);
      return 'done';
    });
    expect(result).toBe('done');
    const names = { connection_name: 'crm', organization_id: 'acme', grant_id: null };
    const fields = { subject: 'ann', reason: 'refused', console_url: `${consoleUrl}?organization=acme` };
    expect(lines).toEqual([[{ ...names, ...fields }, 'test of connection failed']]);
  });

  test('a transaction that is rolled back logs none', async () => {
    const { lines, database } = open();
    const write = database.write('acme', async ({ audit }) => {
      await audit.append(failure);
      throw new Error('rolled back');
    });
    await expect(write).rejects.toThrow('rolled back');
    expect(lines).toEqual([]);
  });
});
