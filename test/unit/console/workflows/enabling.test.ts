import { expect, test } from 'vitest';
import { type Cause, enablingOf } from '../../../../src/console/workflows/enabling.ts';
import { grantStatuses } from '../../../../src/domain/grants/grant.ts';

test('a workflow that a caller disabled waits for nothing', () => {
  expect(enablingOf({ kind: 'caller' }, 'acme')).toEqual({ isReady: true });
});

test('a deleted connection is to be created again, for the same organisation', () => {
  expect(enablingOf({ kind: 'deleted', name: 'crm' }, 'acme')).toMatchObject({
    isReady: false,
    step: { path: '/console/new-connection?organization=acme' },
  });
  expect(enablingOf({ kind: 'deleted', name: 'crm' }, null)).toMatchObject({
    step: { path: '/console/new-connection?organization=' },
  });
});

test.each(grantStatuses)('a connection with the status %s lets it run only if a token works', (status) => {
  const cause: Cause = { kind: 'present', name: 'crm', view: { status, nextAction: 'authorize' } };
  const enabling = enablingOf(cause, 'acme');
  expect(enabling.isReady).toBe(status === 'completed');
  if (!enabling.isReady) {
    expect(enabling.missing).toContain('A person must connect');
    expect(enabling.step.path).toBe('/console/connections/crm/why?organization=acme');
  }
});
