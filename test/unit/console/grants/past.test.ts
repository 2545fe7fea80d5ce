import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fold } from '../../../../src/console/grants/fold.ts';
import { pastOf } from '../../../../src/console/grants/past.ts';
import { eventWords } from '../../../../src/console/layout/event-words.ts';
import { auditActions, type StoredAuditEvent } from '../../../../src/domain/audit.ts';
import type { Consent, ConsentEnd } from '../../../../src/domain/grants/consent.ts';
import { aGrant, someMetadata } from '../../../support/builders/grant.ts';

const now = new Date('2030-01-10T12:00:00Z');
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000);
const grant = aGrant({
  createdAt: hoursAgo(1000),
  metadata: someMetadata({ expiresAt: hoursAgo(-5) }),
});
const anEvent = (changes: Partial<StoredAuditEvent>): StoredAuditEvent => ({
  id: '1',
  time: hoursAgo(1),
  actor: 'broker',
  action: 'grant.refreshed',
  organizationId: 'acme',
  connectionId: 'c1',
  connectionName: 'crm',
  grantId: 'grant',
  outcome: 'success',
  details: {},
  requestId: null,
  address: null,
  ...changes,
});
const aConsent = (at: Date, end: { at: Date; by: ConsentEnd } | null = null): Consent => ({
  id: 'consent',
  grantId: 'grant',
  connectionId: 'c1',
  connectionName: 'crm',
  organizationId: 'acme',
  subject: null,
  accountId: '17',
  accountName: 'Ada',
  scopes: ['read'],
  how: 'authorization',
  actor: 'bootstrap',
  address: null,
  at,
  end: end && { ...end, actor: 'bootstrap', replacedBy: null },
});
const titles = (entries: { title: string }[]) => entries.map(({ title }) => title);

const arrivals = ['grant.connected', 'grant.imported'];
const events = fc.array(
  fc
    .record({
      action: fc.constantFrom(...auditActions.filter((action) => !arrivals.includes(action))),
      hours: fc.integer({ min: 1, max: 900 }),
      outcome: fc.constantFrom('success' as const, 'failure' as const),
      error: fc.constantFrom('invalid_grant', 'timeout', null),
    })
    .map(({ action, hours, outcome, error }) =>
      anEvent({ action, time: hoursAgo(hours), outcome, details: { error, class: 'transient', unhealthy: 0 } }),
    ),
  { maxLength: 40, size: 'max' },
);

test('each event of the grant is told once, newest first, and the counts of the folds add up', () => {
  fc.assert(
    fc.property(events, (list) => {
      const past = pastOf(grant, { events: list, edits: [], consents: [] }, now);
      expect(past).toHaveLength(list.length);
      const times = past.map(({ at }) => at.getTime());
      expect(times).toEqual(list.map(({ time }) => time.getTime()).sort((one, other) => other - one));
      expect(fold(past).reduce((sum, { length }) => sum + length, 0)).toBe(list.length);
    }),
  );
});

test('refreshes fold into one entry, and a failure with another code does not', () => {
  const failed = (hours: number, error: string) =>
    anEvent({ action: 'grant.refresh_failed', outcome: 'failure', time: hoursAgo(hours), details: { error } });
  const list = [anEvent({}), anEvent({ time: hoursAgo(2) }), failed(3, 'a'), failed(4, 'b'), failed(5, 'b')];
  const folds = fold(pastOf(grant, { events: list, edits: [], consents: [] }, now));
  expect(folds.map((folded) => [folded[0].title, folded.length])).toEqual([
    ['Refreshed', 2],
    ['Refresh failed: a', 1],
    ['Refresh failed: b', 2],
  ]);
});

test('a second token set is told apart from the grant', () => {
  const list = [anEvent({}), anEvent({ time: hoursAgo(2), details: { sibling: 'authed_user' } })];
  const folds = fold(pastOf(grant, { events: list, edits: [], consents: [] }, now));
  expect(folds.map(([{ title }]) => title)).toEqual(['Refreshed', 'Refreshed of authed_user']);
});

test('a consent and its event are one entry, and an older event without a consent is kept', () => {
  const list = [
    anEvent({ action: 'grant.connected', time: hoursAgo(10) }),
    anEvent({ action: 'grant.imported', time: hoursAgo(100) }),
  ];
  const past = pastOf(grant, { events: list, edits: [], consents: [aConsent(hoursAgo(10))] }, now);
  expect(titles(past)).toEqual(['Connected', eventWords['grant.imported']]);
});

test('an edit that dropped the tokens, and one before the grant existed', () => {
  const edits = [
    anEvent({ action: 'connection.updated', time: hoursAgo(3) }),
    anEvent({ action: 'connection.updated', time: hoursAgo(2000) }),
  ];
  const consents = [aConsent(hoursAgo(20), { at: hoursAgo(4), by: 'disconnected' })];
  expect(titles(pastOf(grant, { events: [], edits, consents }, now))).toEqual([
    eventWords['connection.updated'],
    'An edit of the connection dropped the tokens',
    'Connected',
  ]);
});

test('an end of a consent is told by its event, or by itself if the event is gone', () => {
  const consents = [aConsent(hoursAgo(20), { at: hoursAgo(4), by: 'revoked' })];
  const event = anEvent({ action: 'grant.revoked', time: hoursAgo(4) });
  expect(titles(pastOf(grant, { events: [event], edits: [], consents }, now))).toEqual(['Grant revoked', 'Connected']);
  expect(titles(pastOf(grant, { events: [], edits: [], consents }, now))).toEqual(['Grant revoked', 'Connected']);
});

test('the end of a token and the last check by the broker, which write no event', () => {
  const ended = aGrant({
    createdAt: hoursAgo(1000),
    metadata: someMetadata({ expiresAt: hoursAgo(2), refreshExpiresAt: hoursAgo(1) }),
    lastTestAt: hoursAgo(3),
    health: 'unhealthy',
    healthError: 'status 401',
  });
  expect(titles(pastOf(ended, { events: [], edits: [], consents: [] }, now))).toEqual([
    'The refresh token ended',
    'The access token ended',
    'Health check: the token does not work',
  ]);
});
