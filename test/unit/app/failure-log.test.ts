import { describe, expect, test } from 'vitest';
import { logHealthChanges, logRecordedFailures, logRefreshFailures } from '../../../src/app/log/failure-log.ts';
import type { AuditEvent } from '../../../src/domain/audit.ts';
import { createMemoryStores } from '../../support/memory/stores/stores.ts';

test('a failed refresh is one warning that says whose it was, what was said and when the next try is', () => {
  const lines: unknown[][] = [];
  const warn = (...line: unknown[]) => void lines.push(line);
  const retryAt = new Date('2030-01-01T00:05:00Z');
  logRefreshFailures({ warn })({
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
      },
      'refresh failed',
    ],
  ]);
});

test('a grant that becomes unhealthy is one warning, and one that is healthy again is one notice', () => {
  const lines: unknown[][] = [];
  const report = logHealthChanges({
    warn: (...line: unknown[]) => void lines.push(['warn', ...line]),
    info: (...line: unknown[]) => void lines.push(['info', ...line]),
  });
  const change = { grant: { id: 'grant-1', organizationId: 'acme', subject: 'ann' }, connectionName: 'crm' };
  report({ ...change, health: 'unhealthy', error: 'rejected: 401' });
  report({ ...change, health: 'healthy', error: null });
  const names = { connection_name: 'crm', organization_id: 'acme', subject: 'ann', grant_id: 'grant-1' };
  expect(lines).toEqual([
    ['warn', { ...names, reason: 'rejected: 401' }, 'health check failed'],
    ['info', names, 'health restored'],
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
    return { lines, database: logRecordedFailures(database, { warn: (...line: unknown[]) => void lines.push(line) }) };
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
    expect(lines).toEqual([[{ ...names, subject: 'ann', reason: 'refused' }, 'test of connection failed']]);
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
