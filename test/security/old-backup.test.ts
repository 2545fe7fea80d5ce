import { afterAll, beforeAll, expect, test } from 'vitest';
import { encryptionKey } from '../support/builders/encryption-keys.ts';
import { createKeyProcess } from '../support/keys/key-process.ts';
import { type KeyStores, openKeyStores } from '../support/keys/key-stores.ts';
import { storeEverySealedValue } from '../support/keys/sealed-rows.ts';

const [k1, k2] = [encryptionKey('k1'), encryptionKey('k2')];
/** Tables with sealed values, and the keys of these. */
const tables = ['data_keys', 'connections', 'grants', 'authorizations', 'pending_revocations'];

let stores: KeyStores;
let restored: KeyStores;
beforeAll(async () => {
  [stores, restored] = await Promise.all([openKeyStores(), openKeyStores()]);
});
afterAll(async () => {
  await Promise.all([stores?.end(), restored?.end()]);
});

async function copyTables(): Promise<void> {
  for (const table of tables) {
    const rows = await stores.run<{ row: object }>(`select to_jsonb(t) as row from ${table} t`);
    const values = JSON.stringify(rows.map(({ row }) => row));
    await restored.run(
      `insert into ${table} overriding system value select * from jsonb_populate_recordset(null::${table}, $1::jsonb)`,
      [values],
    );
  }
}

async function open(from: KeyStores, id: string, ...keys: (typeof k1)[]) {
  const process = createKeyProcess(from, id, keys);
  await process.watch.open();
  return process;
}

test('a backup from before a rotation opens with its old key alone, and a start without that key names it', async () => {
  const before = await open(stores, 'before', k1);
  const values = await storeEverySealedValue(stores, before.cipher, 'acme');
  await before.watch.stop();
  await copyTables();

  const after = await open(stores, 'after', k2, k1);
  await after.rotate();
  const state = async () => {
    await after.watch.look();
    return (await stores.keyRotations.latest())?.state;
  };
  await expect.poll(state, { timeout: 30_000 }).toBe('finished');
  await after.watch.stop();
  const current = await open(stores, 'current', k2);
  await values.openAll(current.cipher);
  await current.watch.stop();

  const kept = await restored.dataKeys.list();
  await expect(open(restored, 'without', k2)).rejects.toThrow(/needs the encryption key "k1".*it holds: k2/);
  expect(await restored.dataKeys.list()).toEqual(kept);
  for (const keys of [[k1], [k2, k1]]) {
    const process = await open(restored, `with-${keys.length}`, ...keys);
    await values.openAll(process.cipher, restored);
    await process.watch.stop();
  }
  // The values of the backup are under its own data key: keys of today do not open them.
  const today = await open(stores, 'today', k2, k1);
  await stores.run('delete from data_keys where state = $1', ['opening']);
  await today.watch.stop();
  const fresh = await open(stores, 'fresh', k2);
  await expect(values.openAll(fresh.cipher, restored)).rejects.toThrow();
});
