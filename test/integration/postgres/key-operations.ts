import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import type { DataKey } from '../../../src/domain/ports/keys.ts';
import { sealedPlaces } from '../../../src/domain/ports/maintenance/key-rotation.ts';
import type { Postgres } from '../../../src/postgres/postgres.ts';
import { anEvent } from '../../support/builders/refreshed.ts';
import { record } from './record-operations.ts';

/** Runs every operation of the rotation of keys, from the new key to the removal of the old one. */
export async function rotateKeys(postgres: Postgres, connection: Connection, called: Map<string, boolean>) {
  const event = anEvent(connection, v7());
  const holders = record('keyHolders', postgres.keyHolders, called);
  await holders.report({
    ...{ id: 'every', host: 'host', encryptionKeyIds: ['a'], dataKeyIds: [], sealingKeyId: null, spooledKeyIds: [] },
  });
  await holders.list();
  await holders.remove('every');

  const backups = record('keyBackups', postgres.keyBackups, called);
  await backups.confirm({ keyId: 'a', confirmedAt: new Date(), confirmedBy: 'bootstrap' }, event);
  await backups.list(['a']);

  const values = record('sealedValues', postgres.sealedValues, called);
  for (const place of sealedPlaces) {
    const first = await values.page(place, v7(), null, 1);
    await values.page(place, v7(), first.next, 1);
    await values.count(place, v7(), first.next, 1);
    await values.replace(
      place,
      first.values.map(({ key, sealed }) => ({ key, from: sealed, to: sealed })),
    );
  }

  const rotations = record('keyRotations', postgres.keyRotations, called);
  const [old] = await postgres.dataKeys.list();
  const fresh: DataKey = {
    ...{ id: v7(), keyEncryptionKeyId: 'a', wrapped: randomBytes(8), canary: randomBytes(8) },
    ...{ state: 'introduced', createdAt: new Date() },
  };
  const id = v7();
  await rotations.begin({ id, encryptionKeyId: 'a', startedBy: 'bootstrap', startedAt: new Date() }, fresh, event);
  const claimed = await rotations.claim('every', 30_000);
  if (claimed === undefined) throw new Error('there is no rotation to claim');
  await rotations.storeWrapping(fresh, fresh);
  await rotations.promote(fresh.id);
  await rotations.save(id, 'every', { ...claimed, state: 'resealing' }, 30_000);
  await rotations.release(id, 'every');
  await rotations.claim('every', 30_000);
  await rotations.finish(id, 'every', event);
  if ((await rotations.latest())?.state !== 'finished') throw new Error('the rotation has not finished');
  await rotations.removeDataKey(old?.id ?? '', ['every'], event);
}
