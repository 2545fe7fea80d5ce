import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Authorization, SettledAuthorization } from '../../src/domain/authorization.ts';
import type { Connection, OrganizationId } from '../../src/domain/connections/connection.ts';
import type { AuthorizationWriter } from '../../src/domain/ports/stores.ts';
import { anAuthorization } from '../support/builders/authorization.ts';
import { aConnection } from '../support/builders/connection.ts';
import { minutesFromNow } from '../support/builders/grant.ts';
import { storeConnection } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

/** Authorizations that wait for the session that started them: AuthorizationLookup and AuthorizationWriter. */
export function describeConfirmations(open: OpenStores): void {
  describe('authorizations that wait for their confirmation', () => {
    let stores: OpenedStores;
    let connection: Connection;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(async () => {
      connection = await storeConnection(stores, aConnection('acme', `confirmations-${++sequence}`));
    });

    const write = <T>(owner: OrganizationId, act: (writer: AuthorizationWriter) => Promise<T>) =>
      stores.database.write(owner, ({ authorizations }) => act(authorizations));
    const bound = (changes: Partial<Authorization> = {}) =>
      anAuthorization(connection, {
        status: 'testing',
        binding: { authorizationId: v7(), challenge: 'c'.repeat(43) },
        ...changes,
      });
    const waiting = (until = minutesFromNow(10)) => ({ sealed: new Uint8Array(16).fill(7), codeHash: 'h', until });
    const found = async ({ stateHash }: Authorization) => (await stores.authorizations.find(stateHash))?.authorization;

    async function start(changes: Partial<Authorization> = {}, until = minutesFromNow(10)): Promise<Authorization> {
      const authorization = bound(changes);
      await write(authorization.organizationId, async (writer) => {
        await writer.insert(authorization);
        expect(await writer.wait(authorization.stateHash, waiting(until))).toBe(true);
      });
      return authorization;
    }
    const end = (status: 'completed' | 'failed'): SettledAuthorization => ({
      status,
      reason: null,
      message: null,
      error: null,
      errorDescription: null,
      account: null,
      details: null,
    });

    test('waits with its tokens and without its verifier, and is found by its public id by its organisation only', async () => {
      const authorization = await start();
      const id = authorization.binding?.authorizationId ?? '';
      expect(await found(authorization)).toMatchObject({ status: 'awaiting_confirmation', sealedVerifier: null });
      const own = await stores.database.read('acme').authorizations.findBound(id);
      expect(own?.authorization.waiting).toMatchObject({ codeHash: 'h' });
      expect(own?.connectionName).toBe(connection.name);
      for (const other of ['other', null]) {
        expect(await stores.database.read(other).authorizations.findBound(id)).toBeUndefined();
        expect(await write(other, (writer) => writer.lock(authorization.stateHash))).toBeUndefined();
        expect(await write(other, (writer) => writer.endWait(authorization.stateHash, end('completed')))).toBe(false);
        await write(other, (writer) => writer.forgetTokens(authorization.stateHash));
      }
      expect((await found(authorization))?.waiting?.sealed).not.toBeNull();
    });

    test('only a callback that is being served, with a binding, begins to wait', async () => {
      const others = [
        bound({ status: 'pending' }),
        bound({ status: 'failed' }),
        bound({ binding: null }),
        bound({ organizationId: 'other' }),
      ];
      for (const each of others) {
        await write(each.organizationId, (writer) => writer.insert(each));
        expect(await write('acme', (writer) => writer.wait(each.stateHash, waiting()))).toBe(false);
        expect(await found(each)).toMatchObject({ status: each.status, waiting: null });
      }
    });

    test('of fifty ends at once exactly one counts, and it forgets the tokens', async () => {
      const authorization = await start();
      const ends = await Promise.all(
        Array.from({ length: 50 }, (_, at) =>
          write('acme', (writer) => writer.endWait(authorization.stateHash, end(at % 2 ? 'completed' : 'failed'))),
        ),
      );
      expect(ends.filter(Boolean)).toHaveLength(1);
      expect((await found(authorization))?.waiting).toMatchObject({ sealed: null, codeHash: 'h' });
    });

    test('lists what is overdue until its tokens are forgotten, and nothing that still waits', async () => {
      const late = await start({}, minutesFromNow(-1));
      const early = await start({ organizationId: 'other' });
      const listed = async () =>
        (await stores.authorizations.listOverdue(new Date(), 1_000))
          .map(({ stateHash }) => stateHash)
          .filter((hash) => hash === late.stateHash || hash === early.stateHash);
      expect(await listed()).toEqual([late.stateHash]);
      await write('acme', (writer) => writer.forgetTokens(late.stateHash));
      expect(await listed()).toEqual([]);
      expect(await found(late)).toMatchObject({ status: 'awaiting_confirmation', waiting: { sealed: null } });
    });

    test('locks those of one subject, of an organisation, or below a connection for its owner', async () => {
      const ann = await start({ subject: 'ann' });
      const unnamed = await start();
      const elsewhere = await start({ organizationId: 'other', subject: 'ann' });
      const hashes = async (locked: Promise<Authorization[]>) =>
        (await locked).map(({ stateHash }) => stateHash).sort();
      const all = (...each: Authorization[]) => each.map(({ stateHash }) => stateHash).sort();
      const lock = (owner: OrganizationId, subject?: string | null) =>
        hashes(write(owner, (writer) => writer.lockWaiting(connection.id, subject)));
      expect(await lock('acme', 'ann')).toEqual(all(ann));
      expect(await lock('acme', null)).toEqual(all(unnamed));
      expect(await lock('acme')).toEqual(all(ann, unnamed));
      expect(await lock('other')).toEqual(all(elsewhere));
      const lockAll = (owner: OrganizationId) => hashes(write(owner, (writer) => writer.lockAllWaiting(connection.id)));
      expect(await lockAll('acme')).toEqual(all(ann, unnamed, elsewhere));
      expect(await lockAll('other')).toEqual([]);
    });

    test('a cancellation and an edit end the wait and forget the tokens, of an overdue one neither', async () => {
      const cancelled = await start({ subject: 'ann' });
      const voided = await start({ organizationId: 'other' });
      const overdue = await start({}, minutesFromNow(-1));
      const now = new Date();
      expect(await write('acme', (writer) => writer.cancelPending(connection.id, 'ann', now))).toBe(1);
      expect(await write('acme', (writer) => writer.countPendingOf(connection.id, now))).toBe(1);
      expect(await write('acme', (writer) => writer.voidAllOf(connection.id, now))).toBe(1);
      expect(await found(cancelled)).toMatchObject({ status: 'cancelled', waiting: { sealed: null } });
      expect(await found(voided)).toMatchObject({ status: 'failed', waiting: { sealed: null } });
      expect((await found(overdue))?.waiting?.sealed).not.toBeNull();
    });
  });
}
