import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../src/domain/audit.ts';
import type { Connection, OrganizationId } from '../../src/domain/connections/connection.ts';
import type { Grant } from '../../src/domain/grants/grant.ts';
import { aConnection } from '../support/builders/connection.ts';
import { storeConnection, storeGrant } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

/** Describes the outbox of revocations. Every test uses a connection of its own. */
export function describeRevocations(open: OpenStores): void {
  describe('pending revocations', () => {
    let stores: OpenedStores;
    let connection: Connection;
    let sequence = 0;
    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(async () => {
      connection = await storeConnection(stores, aConnection(null, `revocations-${++sequence}`));
    });

    const at = (minute: number) => new Date(Date.UTC(2031, 0, 1, 0, minute));
    const claim = (minute: number) => ({ now: at(minute), until: at(minute + 5) });
    const laneOf = (organizationId: OrganizationId) => ({ organizationId, connectionId: connection.id });
    const hold = async (owner: OrganizationId, subject = 'ann', below = connection): Promise<Grant> => {
      const id = await storeGrant(stores, owner, below, { subject });
      const grant = await stores.database.read(owner).grants.find(below.id, id);
      if (grant === undefined) throw new Error('the slot was taken');
      return grant;
    };
    const add = (grants: readonly Grant[], by: OrganizationId = null) =>
      stores.database.write(by, ({ revocations }) =>
        revocations.add(
          connection,
          grants.map(({ id }) => id),
          { now: at(0), dueAt: at(1) },
        ),
      );
    const deleteConnection = () => stores.database.write(null, ({ connections }) => connections.delete(connection.id));
    const endingOf = (grant: Grant): AuditEvent => ({
      time: at(9),
      actor: 'broker',
      action: 'grant.revoked_at_provider',
      organizationId: grant.organizationId,
      connectionId: connection.id,
      connectionName: connection.name,
      grantId: grant.id,
      outcome: 'failure',
      details: { attempts: 2, error: 'gone' },
      requestId: null,
      address: null,
    });

    test('a revocation outlives its grant and its connection, with all that the provider call needs', async () => {
      const grant = await hold('acme', 'ann');
      const [added] = await add([grant]);
      await deleteConnection();
      expect(added?.grantId).toBe(grant.id);
      const claimed = await stores.revocations.claimFirst(added?.id ?? '', claim(0));
      const { id, organizationId, name, settings, configVersion, secretOrigins } = connection;
      expect(claimed).toMatchObject({
        id: added?.id,
        grant: { id: grant.id, organizationId: 'acme', subject: 'ann', origins: grant.origins },
        connection: { id, organizationId, name, settings, configVersion, secretOrigins },
        attempts: 1,
        createdAt: at(0),
        isClientGone: true,
      });
      expect(Buffer.from(claimed?.grant.sealedTokens ?? [])).toEqual(Buffer.from(grant.sealedTokens ?? []));
      expect(claimed?.connection.sealedClientSecrets && Buffer.from(claimed.connection.sealedClientSecrets)).toEqual(
        connection.sealedClientSecrets && Buffer.from(connection.sealedClientSecrets),
      );
    });

    test('a rollback leaves no revocation', async () => {
      const grant = await hold('acme');
      let id = '';
      const failed = stores.database.write(null, async ({ revocations }) => {
        const [added] = await revocations.add(connection, [grant.id], { now: at(0), dueAt: at(1) });
        id = added?.id ?? '';
        throw new Error('no');
      });
      await expect(failed).rejects.toThrow('no');
      expect(id).not.toBe('');
      expect(await stores.revocations.claimFirst(id, claim(0))).toBeUndefined();
    });

    test('a grant without tokens, of another connection, or of another organisation adds nothing', async () => {
      const [own, foreign] = [await hold('acme', 'own'), await hold('globex', 'foreign')];
      expect(await add([own, foreign], 'acme')).toMatchObject([{ grantId: own.id }]);
      await stores.database.write('acme', ({ grants }) => grants.revoke(own.id, { by: 'x', reason: null, now: at(0) }));
      const elsewhere = await storeConnection(stores, aConnection('acme', `elsewhere-${sequence}`));
      const other = await hold('acme', 'ann', elsewhere);
      expect(await add([own, other], 'acme')).toEqual([]);
      expect(await add([])).toEqual([]);
    });

    test('the first attempt has one process, and a due revocation waits for the first attempt and for each claim', async () => {
      const [added] = await add([await hold('acme')]);
      const id = added?.id ?? '';
      expect(await stores.revocations.claimDue(laneOf('acme'), claim(0))).toBeUndefined();
      const first = await Promise.all([1, 2, 3].map(() => stores.revocations.claimFirst(id, claim(0))));
      expect(first.filter((each) => each !== undefined)).toHaveLength(1);
      expect(await stores.revocations.claimDue(laneOf('acme'), claim(4))).toBeUndefined();
      const due = await Promise.all([1, 2, 3].map(() => stores.revocations.claimDue(laneOf('acme'), claim(5))));
      expect(due.filter((each) => each !== undefined)).toMatchObject([{ id, attempts: 2 }]);
      expect(await stores.revocations.claimFirst(id, claim(60))).toBeUndefined();
    });

    test('lanes are the organisations and connections with due revocations, each with its oldest first', async () => {
      const [late, early] = [await hold('acme', 'late'), await hold('acme', 'early')];
      const added = await add([late, early, await hold(null), await hold('globex')]);
      const idOf = (grant: Grant) => added.find(({ grantId }) => grantId === grant.id)?.id ?? '';
      const globex = await stores.revocations.claimDue(laneOf('globex'), claim(1));
      await stores.revocations.postpone(globex?.id ?? '', { at: at(30), error: 'down' });
      await stores.revocations.postpone(idOf(late), { at: at(8), error: 'down' });
      const mine = (await stores.revocations.lanes(at(10), 1000)).filter((lane) => lane.connectionId === connection.id);
      expect(mine.map(({ organizationId }) => organizationId ?? '').toSorted()).toEqual(['', 'acme']);
      const claims = [];
      for (let n = 0; n < 3; n++) claims.push(await stores.revocations.claimDue(laneOf('acme'), claim(10)));
      expect(claims.map((each) => each?.grant.id)).toEqual([early.id, late.id, undefined]);
      expect((await stores.revocations.claimDue(laneOf(null), claim(10)))?.grant.organizationId).toBeNull();
      expect((await stores.revocations.lanes(at(60), 1)).length).toBe(1);
    });

    test('a removed revocation is gone, and its event is written once', async () => {
      const grant = await hold('acme');
      const [added] = await add([grant]);
      for (let n = 0; n < 2; n++) await stores.revocations.remove(added?.id ?? '', endingOf(grant));
      expect(await stores.revocations.claimDue(laneOf('acme'), claim(50))).toBeUndefined();
      expect(await stores.auditOf(grant.id)).toEqual([endingOf(grant)]);
    });

    test('the client secrets are the present ones while the client is unchanged, and those of before afterwards', async () => {
      const bytes = (value: Uint8Array | null | undefined) => value && [...value];
      const [added] = await add([await hold('acme')]);
      const update = (change: Partial<Connection>) =>
        stores.database.write(null, async ({ connections }) => {
          const locked = await connections.lockOwn(connection.name);
          if (locked !== undefined) await connections.update({ ...locked, ...change });
        });
      const secretOrigins = { testUrl: null, revocationUrl: 'https://moved.test' };
      await update({ sealedClientSecrets: new Uint8Array([7]), secretOrigins });
      const rotated = await stores.revocations.claimFirst(added?.id ?? '', claim(0));
      expect(bytes(rotated?.connection.sealedClientSecrets)).toEqual([7]);
      expect(rotated).toMatchObject({ connection: { secretOrigins }, isClientGone: false });
      await update({ sealedClientSecrets: new Uint8Array([8]), configVersion: connection.configVersion + 1 });
      const replaced = await stores.revocations.claimDue(laneOf('acme'), claim(10));
      expect(bytes(replaced?.connection.sealedClientSecrets)).toEqual(bytes(connection.sealedClientSecrets));
      expect(replaced?.isClientGone).toBe(true);
    });

    test('the same person who connected again is found, also below a new connection of that name', async () => {
      const grant = await hold('acme', 'ann');
      const [added] = await add([grant]);
      await deleteConnection();
      const claimed = await stores.revocations.claimFirst(added?.id ?? '', claim(0));
      const isFound = () => claimed && stores.revocations.isConnectedAgain(claimed);
      expect(await isFound()).toBe(false);
      const again = await storeConnection(stores, aConnection(null, connection.name));
      const below = await storeConnection(stores, aConnection('acme', connection.name));
      await hold('acme', 'bob', again);
      await hold('globex', 'ann', again);
      await hold('acme', 'ann', below);
      expect(await isFound()).toBe(false);
      await hold('acme', 'ann', again);
      expect(await isFound()).toBe(true);
    });
  });
}
