import { expect, test } from 'vitest';
import type { GrantView } from '../../../../src/broker/grants/grant-view.ts';
import { futureOf } from '../../../../src/console/grants/future.ts';
import { noSiblingFailure } from '../../../../src/domain/grants/siblings.ts';
import { aGrant, someMetadata } from '../../../support/builders/grant.ts';

const now = new Date('2030-01-10T12:00:00Z');
const inHours = (hours: number) => new Date(now.getTime() + hours * 3_600_000);
const plans = { now, healthCheckIntervalMs: 3_600_000, callsTokenEndpoints: true };
const view = (changes: Partial<GrantView>): GrantView => ({
  ...aGrant({ metadata: someMetadata({ expiresAt: inHours(6) }) }),
  nextRefreshAt: inHours(2),
  nextAction: 'none',
  warnings: [],
  ...changes,
});
const told = (grant: GrantView, changed = {}) =>
  futureOf(grant, { ...plans, ...changed }).map(({ title, at }) => [title, (at.getTime() - now.getTime()) / 3_600_000]);

test('everything that is planned, the latest first', () => {
  const metadata = someMetadata({
    expiresAt: inHours(6),
    refreshExpiresAt: inHours(100),
    keepAliveAt: inHours(50),
  });
  expect(told(view({ metadata, lastTestAt: inHours(-0.5) }))).toEqual([
    ['Refresh token dies', 100],
    ['Keep-alive', 50],
    ['Access token ends', 6],
    ['Next refresh', 2],
    ['Next health check', 0.5],
  ]);
});

test('a failed grant that is retried has one next try', () => {
  const grant = view({ status: 'failed', retryAt: inHours(1), nextRefreshAt: inHours(1) });
  expect(told(grant)).toEqual([
    ['Access token ends', 6],
    ['Next retry', 1],
  ]);
});

test('a process that calls no token endpoint plans no refresh', () => {
  expect(told(view({ retryAt: inHours(1) }), { callsTokenEndpoints: false })).toEqual([['Access token ends', 6]]);
});

test('a grant without tokens has no ends, and a token that has ended is not the future', () => {
  expect(told(view({ sealedTokens: null, nextRefreshAt: null, status: 'not_connected' }))).toEqual([]);
  expect(told(view({ metadata: someMetadata({ expiresAt: inHours(-1) }), nextRefreshAt: null }))).toEqual([]);
});

test('a token without a refresh is the end of the grant', () => {
  const metadata = someMetadata({ expiresAt: inHours(6), refreshable: false });
  expect(futureOf(view({ metadata, nextRefreshAt: null }), plans)[0]).toMatchObject({ tone: 'bad' });
});

test('a second token set has ends and a retry of its own', () => {
  const sibling = {
    ...noSiblingFailure,
    metadata: someMetadata({ expiresAt: inHours(3) }),
    lastRefreshAt: null,
    retryAt: inHours(1),
  };
  const metadata = someMetadata({ expiresAt: inHours(6), siblings: { authed_user: sibling } });
  expect(told(view({ metadata }))).toEqual([
    ['Access token ends', 6],
    ['Access token of authed_user ends', 3],
    ['Next refresh', 2],
    ['Next try of authed_user', 1],
  ]);
});
