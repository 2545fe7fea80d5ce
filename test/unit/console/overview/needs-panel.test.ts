import { expect, test } from 'vitest';
import { folded } from '../../../../src/console/overview/events-panel.ts';
import { needsPanel } from '../../../../src/console/overview/needs-panel.ts';
import type { StoredAuditEvent } from '../../../../src/domain/audit.ts';
import type { NeedCount } from '../../../../src/domain/ports/fleet.ts';

const none = { count: 0, isComplete: true };
const group: NeedCount = {
  provider: 'google-gmail',
  reason: 'reauthorization_required',
  nextAction: 'authorize',
  grants: 12,
  example: { grantId: 'g1', connectionName: 'mail', organizationId: 'acme' },
};
const panelOf = (groups: NeedCount[], neverConnected = none) =>
  needsPanel({ href: (path) => path }, { groups, neverConnected }).text.replaceAll('&amp;', '&');
const linksOf = (text: string) => [...text.matchAll(/href="([^"]*)"/g)].map(([, link]) => link);

test('a group leads to the list of its grants, and a single grant to why its connection is not ready', () => {
  expect(linksOf(panelOf([group]))).toEqual([
    '/console/grants?provider=google-gmail&status_reason=reauthorization_required&next_action=authorize',
  ]);
  expect(linksOf(panelOf([{ ...group, grants: 1 }]))).toEqual(['/console/connections/mail/why?organization=acme']);
  expect(linksOf(panelOf([{ ...group, grants: 1, example: null, reason: null }]))).toEqual([
    '/console/grants?provider=google-gmail&next_action=authorize',
  ]);
});

test('each group has one button, and says what to do', () => {
  const text = panelOf([group, { ...group, reason: 'client_rejected', nextAction: 'reconfigure', grants: 3 }], {
    count: 2000,
    isComplete: false,
  });
  expect(linksOf(text)).toHaveLength(3);
  expect(text).toContain('15 grants');
  expect(text).toContain('Correct client_id, client_secret or token_auth_method.');
  expect(text).toContain('at least 2,000 connections were never connected');
});

test('many groups are a bounded list, with the number of the others', () => {
  const groups = Array.from({ length: 40 }, (_, at) => ({ ...group, provider: `p${at}`, grants: 40 - at }));
  const text = panelOf(groups);
  expect(linksOf(text)).toHaveLength(13);
  expect(text).toContain('406 further grants');
});

test('without any need there is one quiet sentence', () => {
  const text = panelOf([]);
  expect(text).toContain('Nothing needs a person.');
  expect(linksOf(text)).toEqual([]);
});

test('a name from outside is text', () => {
  const text = panelOf([
    { ...group, grants: 1, example: { grantId: 'g', connectionName: '<b>x', organizationId: null } },
  ]);
  expect(text).toContain('&lt;b&gt;x');
  expect(text).not.toContain('<b>');
});

test('events that repeat are one line with their number, and others are not merged', () => {
  const event: StoredAuditEvent = {
    id: '1',
    time: new Date(0),
    actor: 'broker',
    action: 'grant.refreshed',
    organizationId: 'acme',
    connectionId: 'c',
    connectionName: 'crm',
    grantId: 'g',
    outcome: 'success',
    details: {},
    requestId: null,
    address: null,
  };
  const events = [
    event,
    { ...event, grantId: 'g2' },
    { ...event, organizationId: 'other' },
    { ...event, outcome: 'failure' as const },
    event,
  ];
  expect(folded(events).map(({ times }) => times)).toEqual([2, 1, 1, 1]);
  expect(folded(Array.from({ length: 30 }, (_, at) => ({ ...event, connectionName: `c${at}` })))).toHaveLength(10);
});
