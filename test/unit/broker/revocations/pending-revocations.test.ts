import { beforeEach, describe, expect, test } from 'vitest';
import type { ProviderFailureFacts } from '../../../../src/domain/provider-failure.ts';
import { aProviderFailure } from '../../../support/builders/provider.ts';
import {
  actorOf,
  createMemoryBroker,
  importedTokens,
  type MemoryBroker,
  newConnection,
} from '../../../support/memory/broker.ts';

const actor = actorOf(null);
const minute = 60_000;
const { signal } = new AbortController();
const none = { confirmed: 0, unsupported: 0, postponed: 0, given_up: 0 };
let broker: MemoryBroker;

beforeEach(async () => {
  broker = createMemoryBroker();
  await broker.createConnection(actor, newConnection());
});

const later = (minutes: number) => {
  broker.time.now = new Date(broker.time.now.getTime() + minutes * minute);
};
const down = (facts: Partial<ProviderFailureFacts> = {}) => {
  broker.oauth.script.revoke = aProviderFailure({ class: 'transient', ...facts });
};
const up = () => {
  broker.oauth.script.revoke = true;
};
const sent = () => broker.oauth.calls.filter(({ name }) => name === 'revoke');
const hold = (organization: string | null = null, subject: string | null = null, name = 'crm') =>
  broker.importGrant(actorOf(organization), name, importedTokens({ subject }));
const revoke = async (organization: string | null = null) => {
  const selector = { subject: null, accountId: null, reason: null };
  const [revoked] = await broker.revokeGrants(actorOf(organization), 'crm', selector);
  return revoked?.revokedAtProvider;
};
const remove = () => broker.deleteConnection(actor, 'crm', { confirmDisableWorkflows: false });
const pending = () => [...broker.rows.revocations.values()];
const audited = () => broker.rows.audit.filter(({ action }) => action === 'grant.revoked_at_provider');

describe('a revocation at the provider', () => {
  test('one that the provider confirms at once leaves nothing pending', async () => {
    await hold();
    expect(await revoke()).toBe(true);
    await hold();
    await remove();
    expect(sent()).toHaveLength(2);
    expect([pending(), audited()]).toEqual([[], []]);
  });

  test('one that fails is pending until the provider is back, also after its connection is deleted', async () => {
    await hold();
    down();
    expect(await revoke()).toBe(false);
    await remove();
    expect(pending()).toMatchObject([{ attempts: 1, lastError: expect.any(String) }]);
    expect(await broker.revokePending(signal)).toEqual(none);
    later(1);
    expect(await broker.revokePending(signal)).toEqual({ ...none, postponed: 1 });
    up();
    later(1);
    expect(await broker.revokePending(signal)).toEqual(none);
    later(1);
    expect(await broker.revokePending(signal)).toEqual({ ...none, confirmed: 1 });
    expect(pending()).toEqual([]);
    expect(audited()).toMatchObject([{ outcome: 'success', connectionName: 'crm', details: { attempts: 3 } }]);
    const [first, ...others] = sent().map(({ tokens, client }) => [
      tokens?.refreshToken?.reveal(),
      client.secrets.map((secret) => secret.reveal()),
    ]);
    expect(others).toEqual([first, first]);
  });

  test('one whose process ended before the first attempt is made by the scheduled work', async () => {
    await hold('acme');
    await broker.database.write(null, async ({ revocations, grants, connections }) => {
      const connection = await connections.lockOwn('crm');
      const [held] = connection === undefined ? [] : await grants.listAllOf(connection.id);
      if (connection === undefined || held === undefined) throw new Error('no grant');
      const { now } = broker.time;
      await revocations.add(connection, [held.id], { now, dueAt: new Date(now.getTime() + minute) });
      await connections.delete(connection.id);
    });
    expect(await broker.revokePending(signal)).toEqual(none);
    later(1);
    expect(await broker.revokePending(signal)).toEqual({ ...none, confirmed: 1 });
    expect(pending()).toEqual([]);
  });

  test('one that the provider refuses for good is given up, audited and reported', async () => {
    await hold('acme');
    down({ class: 'configuration', answered: true });
    await remove();
    expect(pending()).toEqual([]);
    expect(audited()).toMatchObject([{ outcome: 'failure', organizationId: 'acme', actor: 'broker' }]);
    expect(broker.revocationsGivenUp).toMatchObject([{ revocation: { connection: { name: 'crm' } } }]);
  });

  test('a refused client is tried again while its owner can send another secret, and given up once it is gone', async () => {
    await hold();
    down({ class: 'client', answered: true });
    await revoke();
    expect(pending()).toHaveLength(1);
    await remove();
    later(1);
    expect(await broker.revokePending(signal)).toEqual({ ...none, given_up: 1 });
  });

  test('one that fails for a week is given up', async () => {
    await hold();
    down();
    await remove();
    const start = broker.time.now.getTime();
    let attempts = 1;
    while (pending().length > 0) {
      later(10);
      await broker.revokePending(signal);
      attempts = pending()[0]?.attempts ?? attempts;
    }
    const days = (broker.time.now.getTime() - start) / (24 * 60 * minute);
    expect(days).toBeGreaterThanOrEqual(7);
    expect(days).toBeLessThan(7.5);
    expect(attempts).toBeLessThan(50);
    expect(audited()).toMatchObject([{ outcome: 'failure' }]);
  });

  test('the tokens stay bound to their grant: a row under another grant does not open, and is never sent', async () => {
    await hold();
    down();
    await revoke();
    const [row] = pending();
    if (row !== undefined) broker.rows.revocations.set(row.id, { ...row, grant: { ...row.grant, id: 'another' } });
    up();
    later(1);
    const before = sent().length;
    expect(await broker.revokePending(signal)).toEqual({ ...none, postponed: 1 });
    expect(sent().length).toBe(before);
  });
});

describe('the work on many pending revocations', () => {
  test('first attempts stop when their time is over, and the scheduled work makes the others', async () => {
    for (let n = 0; n < 40; n++) await hold(null, `user-${n}`);
    broker.oauth.script.duringRevocation = async () => later(0.1);
    await remove();
    const first = sent().length;
    expect(first).toBeLessThan(20);
    expect(pending()).toHaveLength(40 - first);
    broker.oauth.script.duringRevocation = async () => {};
    later(1);
    expect(await broker.revokePending(signal)).toEqual({ ...none, confirmed: 40 - first });
    expect(sent()).toHaveLength(40);
  });

  test('a lane whose provider is down costs a run few calls and keeps no other lane waiting', async () => {
    for (let n = 0; n < 30; n++) await hold('acme', `user-${n}`);
    await hold('globex');
    down();
    await remove();
    later(10);
    const before = sent().length;
    broker.oauth.script.duringRevocation = async () => {
      const isOfGlobex = sent().at(-1)?.client.caller.organizationId === 'globex';
      broker.oauth.script.revoke = isOfGlobex ? true : aProviderFailure({ class: 'transient' });
    };
    expect(await broker.revokePending(signal)).toMatchObject({ confirmed: 1 });
    expect(sent().length - before).toBeLessThan(10);
    expect(pending().every(({ grant }) => grant.organizationId === 'acme')).toBe(true);
  });

  test('a run that is aborted rejects after the attempts in flight, and sends nothing more', async () => {
    for (let n = 0; n < 30; n++) await hold('acme', `user-${n}`);
    down();
    await remove();
    up();
    later(1);
    const ending = new AbortController();
    const before = sent().length;
    broker.oauth.script.duringRevocation = async () => ending.abort();
    await expect(broker.revokePending(ending.signal)).rejects.toThrow();
    expect(sent().length - before).toBeLessThanOrEqual(4);
    expect(pending().length).toBeGreaterThan(20);
  });
});
