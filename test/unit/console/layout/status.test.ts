import { describe, expect, test } from 'vitest';
import { connectionBadge, grantBadge } from '../../../../src/console/layout/status.ts';
import { aGrant, someMetadata } from '../../../support/builders/grant.ts';
import { connectionView, now } from '../../../support/http/server-fixture.ts';

const lastError = {
  class: 'transient',
  error: null,
  errorDescription: null,
  httpStatus: 503,
  at: now,
  attempts: 2,
} as const;
const inAnHour = new Date(now.getTime() + 3_600_000);
const anHourAgo = new Date(now.getTime() - 3_600_000);

const situations = [
  { name: 'a live token', expiresAt: inAnHour, refreshable: true, failed: false, word: 'Works' },
  { name: 'a token without a known end', expiresAt: null, refreshable: false, failed: false, word: 'Works' },
  {
    name: 'a live token that no refresh renews',
    expiresAt: inAnHour,
    refreshable: false,
    failed: false,
    word: 'Works',
  },
  {
    name: 'an ended token that a fetch refreshes',
    expiresAt: anHourAgo,
    refreshable: true,
    failed: false,
    word: 'Works',
  },
  {
    name: 'a live token, a failed refresh',
    expiresAt: inAnHour,
    refreshable: true,
    failed: true,
    word: 'Works, refresh fails',
  },
  {
    name: 'an ended token, a failed refresh',
    expiresAt: anHourAgo,
    refreshable: true,
    failed: true,
    word: 'Token ended, refresh fails',
  },
  {
    name: 'an ended token that no refresh renews',
    expiresAt: anHourAgo,
    refreshable: false,
    failed: false,
    word: 'Token ended',
  },
  { name: 'a token that ends now', expiresAt: now, refreshable: false, failed: false, word: 'Token ended' },
];

describe.each(situations)('$name', ({ expiresAt, refreshable, failed, word }) => {
  const metadata = someMetadata({ expiresAt, refreshable });
  const state = { status: 'completed', lastError: failed ? lastError : null, metadata } as const;
  const shown = (text: string) => />([^<]*)<\/span>$/.exec(text)?.[1];

  test(`is told as "${word}"`, () => {
    expect(shown(grantBadge(state, now).text)).toBe(word);
  });

  test('is told alike for its connection, and not after the grant has failed', () => {
    const view = connectionView({ lastError: state.lastError, served: { ...aGrant(), metadata } });
    expect(shown(connectionBadge(view, now).text)).toBe(word);
    expect(shown(connectionBadge({ ...view, status: 'failed' }, now).text)).toBe('Failed');
  });
});
