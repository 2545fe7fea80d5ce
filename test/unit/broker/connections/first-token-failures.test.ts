import { describe, expect, test } from 'vitest';
import { Secret } from '../../../../src/domain/secret.ts';
import { aProviderFailure } from '../../../support/builders/provider.ts';
import { actorOf, createMemoryBroker, type MemoryBroker, newConnection } from '../../../support/memory/broker.ts';

const acme = actorOf('acme');
const clientCredentials = newConnection({ flow: 'client_credentials' });

const failures = {
  'a refused client': aProviderFailure({
    class: 'client',
    oauthError: 'invalid_client',
    description: 'wrong secret',
    httpStatus: 401,
  }),
  'a refused scope': aProviderFailure({ class: 'configuration', oauthError: 'invalid_scope', httpStatus: 400 }),
  'a refusal that is not understood': aProviderFailure({ class: 'unknown', oauthError: 'odd', httpStatus: 400 }),
  'an outage': aProviderFailure({ httpStatus: 503 }),
  'an address that is not allowed': aProviderFailure({ class: 'refused', sent: false, answered: false }),
  'a call that was held back': aProviderFailure({ sent: false, answered: false, retryAfterMs: 5000 }),
};

function edit(broker: MemoryBroker, clientSecret: string | undefined, settings = {}) {
  return broker.editConnection(acme, 'crm', {
    apply: (current) => ({ ...current, ...settings }),
    clientSecret: clientSecret === undefined ? undefined : new Secret(clientSecret),
    ifMatch: undefined,
    isApplied: false,
    confirmDisconnect: true,
  });
}

/** Each way to a first token under a configuration. The provider fails from the last step on. */
const ways: Record<string, (broker: MemoryBroker, fail: () => void) => Promise<unknown>> = {
  'the creation': async (broker, fail) => {
    fail();
    await broker.createConnection(acme, clientCredentials);
  },
  'a new client secret': async (broker, fail) => {
    await broker.createConnection(acme, clientCredentials);
    fail();
    await edit(broker, 'new');
  },
  'a new client': async (broker, fail) => {
    await broker.createConnection(acme, clientCredentials);
    fail();
    await edit(broker, 'new', { clientId: 'other' });
  },
  'new scopes': async (broker, fail) => {
    await broker.createConnection(acme, clientCredentials);
    fail();
    await edit(broker, undefined, { scopes: ['other'] });
  },
  'a refresh': async (broker, fail) => {
    await broker.createConnection(acme, clientCredentials);
    fail();
    await broker.refreshOnDemand(acme, 'crm', { subject: null, accountId: null }).catch(() => undefined);
  },
};

async function outcomeOf(way: string, failure: keyof typeof failures) {
  const broker = createMemoryBroker();
  await ways[way]?.(broker, () => {
    broker.oauth.script.clientCredentials = failures[failure];
  });
  const [grant] = broker.rows.grants.values();
  const refusals = [...broker.rows.clientRefusals.values()].map((counted) => counted.refusals);
  const events = broker.rows.audit.filter(({ action }) => action === 'grant.refresh_failed');
  const logged = broker.refreshFailures.map(({ grant: { id, ...named }, connectionName, error }) => {
    expect(id).toBe(grant?.id);
    return { grant: { organizationId: named.organizationId, subject: named.subject }, connectionName, error };
  });
  return {
    logged,
    lastError: grant?.lastError,
    refusals,
    events: events.map(({ outcome, details: { reason: _reason, ...details } }) => ({ outcome, details })),
    grantIds: events.map(({ grantId }) => grantId === grant?.id),
    isRetried: grant?.retryAt != null,
  };
}

describe.each(Object.keys(failures) as (keyof typeof failures)[])('%s', (failure) => {
  test.each(Object.keys(ways).filter((way) => way !== 'a refresh'))(
    'of the first token at %s is logged, kept, audited and counted as that of a refresh',
    async (way) => {
      const outcome = await outcomeOf(way, failure);
      expect(outcome).toEqual(await outcomeOf('a refresh', failure));
      const wasCalled = failure !== 'a call that was held back';
      expect(outcome.logged).toHaveLength(wasCalled ? 1 : 0);
      expect(outcome.events).toHaveLength(1);
      expect(outcome.refusals).toEqual(failure === 'a refused client' ? [1] : []);
    },
  );
});

test('consecutive failures are counted on over edits, until one of the client secret lifts them', async () => {
  const broker = createMemoryBroker();
  broker.oauth.script.clientCredentials = failures['a refused client'];
  await broker.createConnection(acme, clientCredentials);
  await edit(broker, undefined, { scopes: ['second'] });
  await edit(broker, undefined, { scopes: ['third'] });
  await edit(broker, 'new');
  expect(broker.refreshFailures.map(({ error }) => error.attempts)).toEqual([1, 2, 3, 1]);
  const [grant] = broker.rows.grants.values();
  expect(grant).toMatchObject({ lastError: { attempts: 1 }, statusReason: 'client_rejected' });
});
