import { afterEach, beforeEach, expect, test } from 'vitest';
import type { EncryptionKey } from '../../src/domain/encryption-keys.ts';
import { KeyUnavailable } from '../../src/domain/ports/keys.ts';
import { sealedPlaces } from '../../src/domain/ports/maintenance/key-rotation.ts';
import { encryptionKey } from '../support/builders/encryption-keys.ts';
import { createKeyProcess, type KeyProcess } from '../support/keys/key-process.ts';
import { type KeyStores, openKeyStores } from '../support/keys/key-stores.ts';
import { storeEverySealedValue, storeGrants, storeSecretConnection } from '../support/keys/sealed-rows.ts';

const k1 = encryptionKey('k1');
const k2 = encryptionKey('k2');
const patience = { timeout: 15_000 };

let stores: KeyStores;
beforeEach(async () => {
  stores = await openKeyStores();
});
afterEach(() => stores?.end());

async function open(id: string, keys: EncryptionKey[], options = {}): Promise<KeyProcess> {
  const process = createKeyProcess(stores, id, keys, options);
  await process.watch.open();
  return process;
}

/** Lets processes look for keys in turn until the rotation has ended. */
async function untilRotated(...processes: KeyProcess[]): Promise<void> {
  const state = async () => {
    for (const { watch } of processes) await watch.look();
    return (await stores.keyRotations.latest())?.state;
  };
  await expect.poll(state, patience).toBe('finished');
}

const sealingKey = async () => (await stores.dataKeys.list()).find(({ state }) => state === 'sealing')?.id ?? '';

test('every sealed column of the schema is rotated: a new one cannot be forgotten', async () => {
  const rows = await stores.run<{ place: string }>(
    `select table_name || '.' || column_name as place from information_schema.columns
     where table_schema = 'public' and data_type = 'bytea'`,
  );
  // A hash, a fingerprint, and what the keys themselves are stored as.
  const others = [
    'api_keys.secret_hash',
    'connections.client_secret_fingerprint',
    'console_sessions.id_hash',
    'data_keys.canary',
    'data_keys.wrapped',
  ];
  expect(rows.map(({ place }) => place).sort()).toEqual([...sealedPlaces, ...others].sort());
});

test('a rotation seals every column under the new key, and values of every owner still open', async () => {
  const process = await open('one', [k1]);
  const owned = await storeEverySealedValue(stores, process.cipher, 'acme');
  const global = await storeEverySealedValue(stores, process.cipher, null);
  const before = await sealingKey();
  const counts = await stores.valuesUnder(before);
  expect(Object.keys(counts).sort()).toEqual([...sealedPlaces].sort());
  await process.rotate();
  await untilRotated(process);
  expect(await stores.valuesUnder(before)).toEqual({});
  expect(await stores.valuesUnder(await sealingKey())).toEqual(counts);
  const fresh = await open('fresh', [k1]);
  for (const { openAll } of [owned, global]) await openAll(fresh.cipher);
  await fresh.watch.stop();
  // A second rotation opens each value again.
  await process.rotate();
  await untilRotated(process);
  expect(await stores.keyRotations.latest()).toMatchObject({ unreadable: 0, contended: 0 });
  expect(process.unreadable).toEqual([]);
});

test('a new encryption key wraps all data keys, and the old one can go', async () => {
  const before = await open('before', [k1]);
  const stored = await storeEverySealedValue(stores, before.cipher, 'acme');
  await before.watch.stop();
  const after = await open('after', [k2, k1]);
  await after.rotate(false);
  await untilRotated(after);
  await after.watch.stop();
  const alone = await open('alone', [k2]);
  await stored.openAll(alone.cipher);
  await expect(open('old', [k1])).rejects.toThrow(/needs the encryption key "k2".*it holds: k1/);
});

test('a wrong key under the right id starts nothing, and changes nothing', async () => {
  await open('one', [k1]);
  const before = await stores.dataKeys.list();
  await expect(open('two', [encryptionKey('k1')])).rejects.toBeInstanceOf(KeyUnavailable);
  expect(await stores.dataKeys.list()).toEqual(before);
});

test('no key is made over sealed values', async () => {
  const process = await open('one', [k1]);
  await storeEverySealedValue(stores, process.cipher, 'acme');
  await stores.run('delete from data_keys');
  await expect(open('two', [k1])).rejects.toThrow(/no new key is made over existing data/);
  expect(await stores.dataKeys.list()).toEqual([]);
});

test('no process seals with a key that a live process cannot open', async () => {
  const old = await open('old', [k1], { rotates: false });
  const rotating = await open('rotating', [k2, k1]);
  const before = await sealingKey();
  await rotating.rotate();
  for (let round = 0; round < 3; round++) {
    await old.watch.look();
    await rotating.watch.look();
  }
  await rotating.watch.stop();
  expect(await sealingKey()).toBe(before);
  expect(await rotating.readEncryption()).toMatchObject({ waitsFor: ['old'], rotation: { state: 'distributing' } });
  expect(old.errors).toEqual([{ reasons: [expect.stringContaining('needs the encryption key "k2"')] }]);
  await old.watch.stop();
  const renewed = await open('renewed', [k2, k1]);
  await untilRotated(renewed);
  expect(await sealingKey()).not.toBe(before);
});

test('a process that has not heard of the new key refuses for a moment, loads it, and opens the value', async () => {
  const rotating = await open('rotating', [k1]);
  const behind = await open('behind', [k1], { rotates: false });
  await rotating.rotate();
  // As if it had been cut off: the rotation does not wait for it.
  await stores.run(`update key_holders set seen_at = now() - interval '1 hour' where id = 'behind'`);
  await untilRotated(rotating);
  const at = { organizationId: 'acme', table: 'grants', row: 'r', column: 'tokens' } as const;
  const sealed = rotating.cipher.seal('new', at);
  expect(() => behind.cipher.open(sealed, at)).toThrow('The service is loading a new data key.');
  await expect.poll(() => tryOpen(() => behind.cipher.open(sealed, at)), patience).toBe('new');
  // A key that is stored nowhere is looked up once. Then the value counts as unreadable.
  const foreign = Uint8Array.from(sealed, (byte, index) => (index === 5 ? byte ^ 1 : byte));
  const opening = () => tryOpen(() => behind.cipher.open(foreign, at));
  await expect.poll(opening, patience).toBe('A stored secret could not be opened.');
});

function tryOpen(work: () => string): string {
  try {
    return work();
  } catch (error) {
    return error instanceof Error ? error.message : 'unknown';
  }
}

test('a rotation that is killed half-way continues at its last batch in another process', async () => {
  const first = await open('first', [k1], { sealedValues: failingAfter(2) });
  const connection = await storeSecretConnection(stores, first.cipher, 'acme');
  await storeGrants(stores, first.cipher, connection, 450);
  const before = await sealingKey();
  await first.rotate();
  // The connections and the first page of grants are done when the process fails.
  const place = async () => {
    await first.watch.look();
    return (await stores.keyRotations.latest())?.place;
  };
  await expect.poll(place, patience).toBe('grants.sealed_tokens');
  await expect.poll(async () => (await stores.keyRotations.latest())?.resealed, patience).toBe(201);
  expect((await stores.valuesUnder(before))['grants.sealed_tokens']).toBe(250);
  await stores.run(`update key_holders set seen_at = now() - interval '1 hour'`);
  const second = await open('second', [k1]);
  await untilRotated(second);
  expect(await stores.valuesUnder(before)).toEqual({});
  expect(await stores.keyRotations.latest()).toMatchObject({ resealed: 451, examined: 451, pass: 1 });
}, 90_000);

function failingAfter(batches: number) {
  let left = batches;
  return {
    ...stores.sealedValues,
    page: async (...call: Parameters<typeof stores.sealedValues.page>) => {
      if (left === 0) throw new Error('killed');
      left -= 1;
      return stores.sealedValues.page(...call);
    },
  };
}
