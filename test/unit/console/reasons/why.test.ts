import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createViewGrant } from '../../../../src/broker/grants/grant-view.ts';
import { reasonTexts } from '../../../../src/console/reasons/reason-texts.ts';
import { situationTexts } from '../../../../src/console/reasons/situation-texts.ts';
import { stateOfConnection, stateOfGrant } from '../../../../src/console/reasons/state.ts';
import { explainWhy } from '../../../../src/console/reasons/why.ts';
import type { Flow } from '../../../../src/domain/connections/connection.ts';
import { type Grant, type LastError, statusReasons } from '../../../../src/domain/grants/grant.ts';
import { addressFaults, unusableAddress } from '../../../../src/domain/provider-failure.ts';
import { projectRoot } from '../../../support/architecture/source-tree.ts';
import { aGrant, someMetadata } from '../../../support/builders/grant.ts';
import { admin, connectionView, now } from '../../../support/http/server-fixture.ts';

const later = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
const viewGrant = createViewGrant(
  { schedule: { intervalMs: 60_000, windowMs: 60_000 }, expiryWarningMs: 0 },
  () => now,
);
const moment = { now, callsTokenEndpoints: true };
const live = someMetadata({ expiresAt: later(30) });
const expired = someMetadata({ expiresAt: later(-5) });
const lastError: LastError = {
  class: 'transient',
  error: 'server_error',
  errorDescription: 'Try later.',
  httpStatus: 503,
  at: later(-1),
  attempts: 3,
};

function whyOfGrant(changes: Partial<Grant>, flow: Flow = 'authorization_code', options = moment, caller = admin) {
  const { connection } = connectionView();
  const settings = { ...connection.settings, flow };
  const view = viewGrant(aGrant(changes), { ...connection, settings });
  return explainWhy(stateOfGrant(view, flow), options, caller);
}
const whyOfConnection = (changes: Parameters<typeof connectionView>[0]) =>
  explainWhy(stateOfConnection(connectionView({ served: null, nextAction: 'authorize', ...changes })), moment, admin);

test('docs/OPERATIONS.md has a row for each reason that has words here', () => {
  const text = readFileSync(join(projectRoot, 'docs', 'OPERATIONS.md'), 'utf8');
  const table = /### Status reasons\n\n([\s\S]*?)\n\n/.exec(text)?.[1] ?? '';
  const rows = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, reason]) => reason);
  expect(rows).toEqual(['status_reason', ...statusReasons]);
  expect(Object.keys(reasonTexts).toSorted()).toEqual([...statusReasons].toSorted());
});

test('titles are unique, and each cause is one sentence of at most 25 words', () => {
  const texts = [...Object.values(reasonTexts), ...Object.values(situationTexts)];
  expect(new Set(texts.map(({ title }) => title)).size).toBe(texts.length);
  for (const { title, cause } of texts) {
    expect(cause, title).toMatch(/^[A-Z_][^.]*\.$/);
    expect(cause.split(' ').length, title).toBeLessThanOrEqual(25);
    expect(title, title).not.toMatch(/\.$/);
  }
});

test.each(statusReasons)('%s: who must act and the act agree with next_action, in each flow', (statusReason) => {
  for (const flow of ['authorization_code', 'client_credentials', 'refresh_token'] as const) {
    for (const retryAt of [null, later(10)]) {
      const grant = { status: 'failed', statusReason, retryAt, sealedTokens: null, metadata: null } as const;
      const why = whyOfGrant(grant, flow);
      expect(why.key).toBe(statusReason);
      const action = why.callersGet.kind === 'refusal' ? why.callersGet.nextAction : undefined;
      const actor = { authorize: 'person', reconfigure: 'administrator', wait: 'nobody', none: 'nobody' }[
        action ?? 'none'
      ];
      expect(why, flow).toMatchObject({ actor, title: reasonTexts[statusReason].title });
      expect(why.step.label).not.toBe('');
      // Without a person there is no account to connect.
      if (flow !== 'authorization_code' && action === 'reconfigure' && why.step.act === 'reconnect') {
        expect(['user_denied', 'account_mismatch']).toContain(statusReason);
      }
      if (action === 'authorize') expect(why.step.act).toBe('reconnect');
    }
  }
});

test('a connection without a grant is explained by its latest authorization', () => {
  expect(whyOfConnection({ status: 'not_connected' })).toMatchObject({
    key: 'never_connected',
    actor: 'person',
    step: { act: 'connect', label: 'Connect' },
    callersGet: { code: 'connection_not_ready', status: 503, retryAfterSeconds: null },
  });
  expect(whyOfConnection({ status: 'waiting_callback' })).toMatchObject({ key: 'waiting_callback', actor: 'person' });
  expect(whyOfConnection({ status: 'testing', nextAction: 'wait' })).toMatchObject({
    key: 'testing',
    actor: 'nobody',
    step: { act: 'wait' },
    callersGet: { retryAfterSeconds: 5 },
  });
  const failure = { cause: 'admin_consent_required', at: later(60), lastError } as const;
  const denied = { status: 'failed', statusReason: 'user_denied', failure, lastError } as const;
  expect(whyOfConnection({ ...denied, nextAction: 'reconfigure' })).toMatchObject({
    key: 'user_denied',
    actor: 'administrator',
    step: { text: expect.stringContaining('administrator at the provider') },
    evidence: { since: later(60), code: 'server_error', httpStatus: 503 },
  });
});

test('a grant that works, and one whose refreshes fail while its token lives', () => {
  expect(whyOfGrant({ metadata: live })).toMatchObject({
    key: 'healthy',
    actor: 'nobody',
    callersGet: { kind: 'token' },
    evidence: { since: null, attempts: null, code: null, class: null },
  });
  const failing = { metadata: live, lastError, failingSince: later(-20), retryAt: later(2) };
  expect(whyOfGrant(failing)).toMatchObject({
    key: 'failing_and_served',
    actor: 'nobody',
    step: { act: 'refresh' },
    callersGet: { kind: 'token' },
    evidence: { since: later(-20), attempts: 3, class: 'transient', failedAt: later(-1), nextTryAt: later(2) },
  });
  expect(whyOfGrant({ metadata: live, health: 'unhealthy' })).toMatchObject({
    key: 'unhealthy',
    actor: 'administrator',
    step: { act: 'test' },
  });
});

test('an expired token: the provider is down, refreshes are off, or there is nothing to refresh it with', () => {
  expect(whyOfGrant({ metadata: expired, lastError, retryAt: later(2) })).toMatchObject({
    key: 'expired_and_failing',
    actor: 'nobody',
    callersGet: { code: 'provider_unavailable', retryAfterSeconds: 120 },
  });
  expect(
    whyOfGrant({ metadata: expired }, 'authorization_code', { ...moment, callsTokenEndpoints: false }),
  ).toMatchObject({
    key: 'expired_and_refreshes_off',
    actor: 'administrator',
    step: { act: 'enable_refreshes', label: 'Enable refreshes' },
    callersGet: { code: 'connection_not_ready', retryAfterSeconds: null },
  });
  // The sweep has not noted it yet, and a fetch tells it already.
  expect(whyOfGrant({ metadata: { ...expired, refreshable: false } })).toMatchObject({
    key: 'token_expired',
    actor: 'person',
    step: { act: 'reconnect' },
  });
  expect(whyOfGrant({ metadata: { ...expired, refreshable: false } }, 'refresh_token')).toMatchObject({
    key: 'token_expired',
    actor: 'administrator',
    step: { act: 'import' },
  });
});

test('only an administrator learns why an address cannot be used', () => {
  const refused: LastError = { ...lastError, class: 'refused', error: null, errorDescription: addressFaults.forbidden };
  const failing = { metadata: live, lastError: refused, retryAt: later(2) };
  expect(whyOfGrant(failing).evidence).toMatchObject({ class: 'refused', description: addressFaults.forbidden });
  const reader = { ...admin, permissions: ['connections:read'] } as const;
  expect(whyOfGrant(failing, 'authorization_code', moment, reader).evidence).toMatchObject({
    class: 'transient',
    description: unusableAddress,
  });
});
