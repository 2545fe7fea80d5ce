import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/domain/connection.ts';
import type { TransactionStores } from '../../../src/domain/ports/stores.ts';
import {
  aConnection,
  anArrival,
  anEvent,
  minutesFromNow,
  openTestStores,
  storeConnection,
  storeGrant,
  type TestStores,
} from '../../support/postgres-fixtures.ts';

describe('grant writer', () => {
  let stores: TestStores;
  let connection: Connection;
  let sequence = 0;

  beforeAll(async () => {
    stores = await openTestStores();
  });
  afterAll(() => stores.end());
  beforeEach(async () => {
    connection = await storeConnection(stores, aConnection('acme', `grants-${++sequence}`));
  });

  const write = <T>(work: (stores: TransactionStores) => Promise<T>) => stores.database.write('acme', work);
  const grants = () => stores.database.read('acme').grants.list(connection.id);
  const slot = (subject: string | null = null, accountId: string | null = null) => ({
    connectionId: connection.id,
    subject,
    accountId,
  });

  test('of two who fill an empty slot at once, one does, and the other is told', async () => {
    const filled = await Promise.all([1, 2].map(() => write((all) => all.grants.insert(v7(), anArrival(connection)))));
    expect(filled.sort()).toEqual([false, true]);
    expect(await grants()).toHaveLength(1);
  });

  test('an account is part of the slot only where the connection has many accounts', async () => {
    expect(await write((all) => all.grants.insert(v7(), anArrival(connection, { accountId: 'A' })))).toBe(true);
    expect(await write((all) => all.grants.insert(v7(), anArrival(connection, { accountId: 'B' })))).toBe(false);
    expect((await write((all) => all.grants.lockSlot(slot(null, 'B'))))?.accountId).toBe('A');

    connection = await storeConnection(stores, aConnection('acme', `many-${sequence}`, { multiAccount: true }));
    for (const accountId of ['A', 'B']) await storeGrant(stores, 'acme', connection, { accountId });
    expect(await grants()).toHaveLength(2);
    expect((await write((all) => all.grants.lockSlot(slot(null, 'B'))))?.accountId).toBe('B');
    expect(await write((all) => all.grants.lockSlot(slot()))).toBeUndefined();
    expect(await stores.database.read('acme').grants.findSlot(slot())).toBeUndefined();
    expect((await stores.database.read('acme').grants.findSlot(slot(null, 'A')))?.accountId).toBe('A');
    expect(await write((all) => all.grants.lockMatching(connection.id, null, null))).toHaveLength(2);
    expect(await write((all) => all.grants.maxAccountsPerSubject(connection.id))).toBe(2);
  });

  test('slots move to the other way of keying with their connection', async () => {
    await storeGrant(stores, 'acme', connection, { accountId: 'A' });
    await write(async (all) => {
      await all.grants.setMultiAccount(connection.id, true);
      await all.connections.update({ ...connection, settings: { ...connection.settings, multiAccount: true } });
    });
    connection.settings.multiAccount = true;
    expect(await write((all) => all.grants.insert(v7(), anArrival(connection, { accountId: 'B' })))).toBe(true);
    expect(await write((all) => all.grants.insert(v7(), anArrival(connection, { accountId: 'A' })))).toBe(false);
  });

  test('new tokens put everything right: failures, revocation and marks are forgotten, the version moves', async () => {
    const id = await storeGrant(stores, 'acme', connection);
    const leased = await stores.refreshes.acquire(id, 'a', 45_000);
    if (leased === undefined) throw new Error('taken');
    await stores.refreshes.fail(
      leased,
      'a',
      { failed: 'reauthorization_required', message: 'No.', retryAt: null, keepIntent: true },
      anEvent(connection, id),
    );
    await write((all) => all.grants.revoke(id, { by: 'a', reason: 'left', now: new Date() }));
    await write((all) => all.grants.replace(id, anArrival(connection, { accountName: 'Ann' })));
    expect((await grants())[0]).toMatchObject({
      version: 3,
      status: 'completed',
      statusReason: null,
      statusMessage: null,
      accountName: 'Ann',
      consecutiveFailures: 0,
      failingSince: null,
      refreshStartedAt: null,
      revokedAt: null,
      revokedBy: null,
      revokedReason: null,
    });
  });

  test('a refusal of first tokens leaves a failed grant that is tried again, and a second refusal the same one', async () => {
    const failure = {
      reason: 'exchange_failed' as const,
      message: 'The provider did not answer.',
      retryAt: minutesFromNow(1),
      now: new Date(),
    };
    const id = v7();
    await write((all) => all.grants.putFailed(id, slot(), failure));
    await write((all) => all.grants.putFailed(v7(), slot(), failure));
    expect(await grants()).toMatchObject([
      { id, status: 'failed', statusReason: 'exchange_failed', facts: null, consecutiveFailures: 2 },
    ]);
  });

  test('a refusal of new tokens does not take away those that work', async () => {
    const id = await storeGrant(stores, 'acme', connection);
    await write((all) =>
      all.grants.putFailed(id, slot(), { reason: 'exchange_failed', message: 'No.', retryAt: null, now: new Date() }),
    );
    expect((await grants())[0]).toMatchObject({ id, status: 'failed', version: 1, sealedTokens: expect.any(Buffer) });
  });

  test('lifting a client rejection restores grants with tokens, retries those without, and leaves other failures', async () => {
    const [working, other] = [
      await storeGrant(stores, 'acme', connection),
      await storeGrant(stores, 'acme', connection, { subject: 'ann' }),
    ];
    await stores.refreshes.failAllOf(connection.id, 'client_rejected', 'No.');
    await write((all) => all.grants.revoke(other, { by: 'a', reason: null, now: new Date() }));
    const bare = v7();
    const now = new Date();
    await write((all) =>
      all.grants.putFailed(bare, slot('bob'), { reason: 'client_rejected', message: 'No.', retryAt: null, now }),
    );
    await write((all) => all.grants.liftClientRejection(connection.id, now));
    const byId = new Map((await grants()).map((grant) => [grant.id, grant]));
    expect(byId.get(working)).toMatchObject({ status: 'completed', statusReason: null, statusMessage: null });
    expect(byId.get(other)).toMatchObject({ status: 'failed', statusReason: 'revoked' });
    expect(byId.get(bare)).toMatchObject({ status: 'failed', statusReason: 'client_rejected', retryAt: now });
  });

  test('an id that is none is the id of nothing', async () => {
    expect(await write((all) => all.grants.delete('no-uuid'))).toBe(false);
  });
});
