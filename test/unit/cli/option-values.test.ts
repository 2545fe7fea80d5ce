import { describe, expect, test, vi } from 'vitest';
import { hasDesktop } from '../../../src/cli/commands/authorize/open-browser.ts';
import { fieldsOf } from '../../../src/cli/commands/connections/fields.ts';
import { effectTexts } from '../../../src/cli/commands/connections/preview.ts';
import { maskCredential } from '../../../src/cli/commands/credentials/mask-credential.ts';
import {
  collectPairs,
  duration,
  futureTime,
  list,
  pastTime,
  wholeNumber,
} from '../../../src/cli/commands/option-values.ts';

describe('values of options', () => {
  test('pairs are collected, and a value may hold an equals sign', () => {
    expect(collectPairs('b=2=3', collectPairs('a=1'))).toEqual({ a: '1', b: '2=3' });
    expect(() => collectPairs('=1')).toThrow('name=value');
  });

  test('durations, numbers and lists', () => {
    expect(['90', '15min', '2h', '7d'].map(duration)).toEqual([90, 900, 7200, 604_800]);
    expect(list(' a, b  c,')).toEqual(['a', 'b', 'c']);
    expect(() => duration('2 weeks')).toThrow('duration');
    expect(() => wholeNumber('-1')).toThrow('whole number');
  });

  test('times are ISO 8601, or an age or a lifetime', () => {
    vi.useFakeTimers({ now: Date.parse('2026-01-02T00:00:00Z') });
    try {
      expect(pastTime('2h')).toBe('2026-01-01T22:00:00.000Z');
      expect(futureTime('1d')).toBe('2026-01-03T00:00:00.000Z');
      expect(pastTime('2026-01-01')).toBe('2026-01-01T00:00:00.000Z');
      expect(() => pastTime('yesterday')).toThrow('time');
    } finally {
      vi.useRealTimers();
    }
  });

  test('fields of a connection have the names of the API, and absent ones stay absent', () => {
    const options = { flow: 'client_credentials', clientId: 'c', pkce: false, authorizeParam: { prompt: 'consent' } };
    expect(fieldsOf(options)).toEqual({
      oauth_flow_type: 'client_credentials',
      client_id: 'c',
      pkce: false,
      authorize_params: { prompt: 'consent' },
    });
  });
});

test('effects are told in words', () => {
  const none = {
    grants_disconnected: 0,
    organizations_disconnected: 0,
    authorizations_voided: 0,
    workflows_disabled: 0,
    revoked_at_provider: false,
    client_secret_required: false,
  };
  expect(effectTexts(none)).toEqual([]);
  expect(
    effectTexts({ ...none, grants_disconnected: 12, organizations_disconnected: 3, workflows_disabled: 1 }),
  ).toEqual(['disconnects 12 grants in 3 organisations', 'disables 1 workflow']);
});

test('a masked credential holds no token, at any depth of the further values', () => {
  const token = 'canary-0123456789abcdef';
  const masked = maskCredential({
    connection_name: 'crm',
    organization_id: null,
    grant_organization_id: null,
    subject: null,
    account_id: null,
    access_token: token,
    token_type: 'Bearer',
    expires_at: null,
    scopes: [],
    status: 'completed',
    status_reason: null,
    next_action: 'none',
    extra: { id_token: token, team: { name: token, hooks: [`https://h.example/${token}`] }, count: 1 },
  });
  expect(JSON.stringify(masked)).not.toContain('0123456789');
  expect(masked.extra).toMatchObject({ count: 1 });
});

test('a browser is opened on a desktop only', () => {
  expect(hasDesktop('darwin', {})).toBe(true);
  expect(hasDesktop('linux', {})).toBe(false);
  expect(hasDesktop('linux', { DISPLAY: ':0' })).toBe(true);
  expect(hasDesktop('darwin', { SSH_CONNECTION: '10.0.0.1' })).toBe(false);
});
