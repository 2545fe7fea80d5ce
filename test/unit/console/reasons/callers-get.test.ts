import { expect, test } from 'vitest';
import { createRefuseSelection } from '../../../../src/broker/credentials/get-credential.ts';
import { createServeCredential } from '../../../../src/broker/credentials/serve-credential.ts';
import { callersGet } from '../../../../src/console/reasons/callers-get.ts';
import { stateOfConnection, stateOfGrant } from '../../../../src/console/reasons/state.ts';
import { type Flow, flows } from '../../../../src/domain/connections/connection.ts';
import { type BrokerError, isBrokerError } from '../../../../src/domain/errors.ts';
import { type Grant, grantStatuses, statusReasons } from '../../../../src/domain/grants/grant.ts';
import type { Database } from '../../../../src/domain/ports/stores.ts';
import { problems } from '../../../../src/http/problem.ts';
import { aGrant, someMetadata } from '../../../support/builders/grant.ts';
import { connectionView, grantView, now } from '../../../support/http/server-fixture.ts';

const match = {
  connectionId: 'c1',
  connectionName: 'crm',
  organizationId: 'acme',
  provider: 'generic',
  grants: [],
};
const later = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
const unused = async () => Promise.reject(new Error('A plan calls no provider.'));

/** Decision of a fetch itself, in the terms of the page. */
function planned(grant: Grant, flow: Flow, callsTokenEndpoints: boolean) {
  const { plan } = createServeCredential({
    callsTokenEndpoints,
    refreshGrant: unused,
    isRefreshing: () => false,
    credentialOfGrant: () => {
      throw new Error('A plan makes no credential.');
    },
    catalogue: { find: () => undefined },
    clock: () => now,
    sleep: unused,
    patienceMs: 1,
    scheduleRefreshAhead: () => {},
    refreshSiblingsBehind: () => {},
    onBackgroundError: () => {},
  });
  try {
    const { kind } = plan({ ...match, flow }, grant, { minTtlSeconds: 0, requiredScopes: [] });
    return kind === 'serve' ? { kind: 'token', status: 200 } : { kind: 'refresh' };
  } catch (error) {
    if (!isBrokerError(error)) throw error;
    return refused(error);
  }
}

function refused({ code, details }: BrokerError) {
  const members = {
    status: problems[code].status,
    nextAction: 'next_action' in details ? details.next_action : 'wait',
    retryAfterSeconds: ('retry_after' in details ? details.retry_after : undefined) ?? null,
    reason: 'status_reason' in details ? details.status_reason : null,
  };
  return { kind: 'refusal', code, ...members };
}

const tokens = {
  live: { metadata: someMetadata({ expiresAt: later(30) }) },
  expired: { metadata: someMetadata({ expiresAt: later(-5) }) },
  'expired and not refreshable': { metadata: someMetadata({ expiresAt: later(-5), refreshable: false }) },
  'reported as rejected': { metadata: someMetadata({ expiresAt: later(30), refreshable: false }), reportedVersion: 1 },
  dropped: { sealedTokens: null, metadata: null },
};
const retries = { none: null, due: later(-1), later: later(10) };

test.each([null, ...statusReasons])('a grant with the reason %s: callers get what a fetch decides', (statusReason) => {
  const kinds = new Set<string>();
  for (const flow of flows) {
    for (const token of Object.values(tokens)) {
      for (const retryAt of Object.values(retries)) {
        for (const callsTokenEndpoints of [true, false]) {
          const status = statusReason === null ? 'completed' : 'failed';
          const grant = aGrant({ status, statusReason, retryAt, ...token });
          const get = callersGet(stateOfGrant(grantView(grant), flow), { now, callsTokenEndpoints });
          const expected = planned(grant, flow, callsTokenEndpoints);
          expect(get, JSON.stringify({ flow, token, retryAt, callsTokenEndpoints })).toMatchObject(expected);
          if (get.kind === 'refusal') expect(get.text).toContain(`${get.code} with status ${get.status}`);
          kinds.add(get.kind);
        }
      }
    }
  }
  expect(kinds).toEqual(new Set(['token', 'refresh', 'refusal']));
});

test.each([null, ...statusReasons])(
  'no grant, with the reason %s: callers get what a fetch decides',
  async (reason) => {
    for (const status of grantStatuses) {
      const view = connectionView({ served: null, status, statusReason: reason });
      const database = { read: () => ({ connections: { find: async () => view } }) } as unknown as Database;
      const refuse = createRefuseSelection({ database, clock: () => now });
      const query = { organizationId: 'acme', connectionName: 'crm', subject: null, accountId: null };
      const expected = await refuse(query, { ...match, flow: 'authorization_code' });
      const get = callersGet(stateOfConnection(view), { now, callsTokenEndpoints: true });
      expect(get, status).toMatchObject(refused(expected));
    }
  },
);
