import { afterEach, beforeEach, expect, test } from 'vitest';
import { sealsPerDataKey } from '../../src/app/keys/key-watch.ts';
import { grantTokensAt, openClient, sealTokens } from '../../src/broker/sealing.ts';
import { Secret } from '../../src/domain/secret.ts';
import { encryptionKey } from '../support/builders/encryption-keys.ts';
import { createKeyProcess, type KeyProcess } from '../support/keys/key-process.ts';
import { type KeyStores, openKeyStores } from '../support/keys/key-stores.ts';
import { storeEverySealedValue, storeGrants, storeSecretConnection } from '../support/keys/sealed-rows.ts';

const k1 = encryptionKey('k1');
const patience = { timeout: 10_000 };

let stores: KeyStores;
let process: KeyProcess;
beforeEach(async () => {
  stores = await openKeyStores();
  process = await open('one');
});
afterEach(() => stores?.end());

async function open(id: string, options = {}): Promise<KeyProcess> {
  const opened = createKeyProcess(stores, id, [k1], options);
  await opened.watch.open();
  return opened;
}

async function rotated(...processes: KeyProcess[]): Promise<string> {
  const before = (await stores.dataKeys.list()).find(({ state }) => state === 'sealing')?.id ?? '';
  await process.rotate();
  await expect
    .poll(async () => {
      for (const { watch } of [process, ...processes]) await watch.look();
      return (await stores.keyRotations.latest())?.state;
    }, patience)
    .toBe('finished');
  return before;
}

const passQuietTime = () => stores.run(`update data_keys set sealed_until = now() - interval '11 minutes'`);

test('two requests at once begin one rotation, and two processes at once lose no value', async () => {
  const other = await open('two');
  const connection = await storeSecretConnection(stores, process.cipher, 'acme');
  const ids = await storeGrants(stores, process.cipher, connection, 300);
  const begun = await Promise.all([process.rotate(), other.rotate(), process.rotate()]);
  expect(new Set(begun.map(({ rotation }) => rotation.id)).size).toBe(1);
  expect(begun.filter(({ isNew }) => isNew)).toHaveLength(1);
  await expect
    .poll(async () => {
      await Promise.all([process.watch.look(), other.watch.look()]);
      return (await stores.keyRotations.latest())?.state;
    }, patience)
    .toBe('finished');
  expect(await stores.dataKeys.list()).toHaveLength(2);
  const rows = await stores.run<{ id: string; sealed_tokens: Buffer }>('select id, sealed_tokens from grants');
  for (const { id, sealed_tokens: sealed } of rows) {
    expect(other.cipher.open(sealed, grantTokensAt({ id, organizationId: 'acme' }))).toContain(`access-${id}`);
  }
  expect(rows).toHaveLength(ids.length);
});

test('a token set written during the re-seal is never overwritten by the older one', async () => {
  const connection = await storeSecretConnection(stores, process.cipher, 'acme');
  const [id = ''] = await storeGrants(stores, process.cipher, connection, 3);
  const address = { id, organizationId: 'acme' };
  const newer = sealTokens(process.cipher, address, {
    ...{ accessToken: secret('newer'), refreshToken: secret('newer'), tokenType: 'Bearer', extra: {} },
  });
  const { page } = stores.sealedValues;
  let isWritten = false;
  stores.sealedValues.page = async (...call) => {
    const found = await page(...call);
    if (call[0] === 'grants.sealed_tokens' && found.values.length > 0 && !isWritten) {
      isWritten = true;
      await stores.run('update grants set sealed_tokens = $2, version = version + 1 where id = $1', [
        id,
        Buffer.from(newer),
      ]);
    }
    return found;
  };
  await rotated();
  const [row] = await stores.run<{ sealed_tokens: Buffer; version: number }>(
    'select sealed_tokens, version from grants where id = $1',
    [id],
  );
  expect(process.cipher.open(row?.sealed_tokens ?? new Uint8Array(), grantTokensAt(address))).toContain('newer');
  expect(row?.version).toBe(2);
  // The missed value was sealed anew by a second pass.
  expect(await stores.keyRotations.latest()).toMatchObject({ pass: 2 });
});

test('a re-seal waits for no lock, and takes the value after it', async () => {
  const connection = await storeSecretConnection(stores, process.cipher, 'acme');
  await storeGrants(stores, process.cipher, connection, 2);
  const before = (await stores.dataKeys.list())[0]?.id ?? '';
  await process.rotate();
  const holding = stores.run('do $$ begin perform id from grants for update; perform pg_sleep(1); end $$');
  await expect
    .poll(async () => {
      await process.watch.look();
      return (await stores.keyRotations.latest())?.state;
    }, patience)
    .toBe('finished');
  await holding;
  expect(await stores.valuesUnder(before)).toEqual({});
});

test('a value that does not open is counted and named, and stops nothing', async () => {
  const connection = await storeSecretConnection(stores, process.cipher, 'acme');
  const [id = ''] = await storeGrants(stores, process.cipher, connection, 3);
  await stores.run('update grants set sealed_tokens = set_byte(sealed_tokens, 30, 0) where id = $1', [id]);
  await stores.run('update grants set sealed_tokens = set_byte(sealed_tokens, 31, 0) where id = $1', [id]);
  const before = await rotated();
  expect(await stores.keyRotations.latest()).toMatchObject({ unreadable: 1, resealed: 3 });
  expect(process.unreadable).toEqual([`grants.sealed_tokens ${id}`]);
  await passQuietTime();
  await expect(process.retire(before)).rejects.toMatchObject({
    code: 'data_key_in_use',
    details: { values: { 'grants.sealed_tokens': 1 } },
  });
});

test('a data key is removed only when no value, no spool, no process and no work in flight uses it', async () => {
  const follower = await open('follower', { rotates: false });
  const stored = await storeEverySealedValue(stores, process.cipher, 'acme');
  const sealing = (await stores.dataKeys.list())[0]?.id ?? '';
  await expect(process.retire(sealing)).rejects.toMatchObject({
    code: 'data_key_in_use',
    details: { retirable_from: null },
  });
  const before = await rotated(follower);
  // A moment ago a process may have sealed a value that it has not stored yet.
  await expect(process.retire(before)).rejects.toMatchObject({ code: 'data_key_in_use', details: { values: {} } });
  await passQuietTime();
  // Another host has a token set in its spool.
  await stores.run('update key_holders set spooled_key_ids = $1 where id = $2', [[before], 'follower']);
  await expect(process.retire(before)).rejects.toMatchObject({
    code: 'data_key_in_use',
    details: { processes: [{ id: 'follower', host: 'host-of-follower', is_live: true }] },
  });
  // Its process ends without recovery: only an operator knows whether its disk is gone.
  await stores.run(`update key_holders set seen_at = now() - interval '1 hour' where id = 'follower'`);
  await expect(process.retire(before)).rejects.toMatchObject({
    details: { processes: [{ id: 'follower', is_live: false }] },
  });
  await process.retire(before, true);
  expect((await stores.dataKeys.list()).map(({ id }) => id)).not.toContain(before);
  expect((await stores.keyHolders.list()).map(({ id }) => id)).toEqual(['one']);
  await stored.openAll((await open('fresh')).cipher);
  await expect(process.retire(before)).rejects.toMatchObject({ code: 'not_found' });
});

test('a process that still seals with an old key keeps it from being removed', async () => {
  const behind = await open('behind', { rotates: false });
  await stores.run(`update key_holders set seen_at = now() - interval '1 hour' where id = 'behind'`);
  const before = await rotated();
  await passQuietTime();
  await stores.run(`update key_holders set seen_at = now() where id = 'behind'`);
  await expect(process.retire(before)).rejects.toMatchObject({
    details: { values: {}, processes: [{ id: 'behind', is_live: true }] },
  });
  await behind.watch.look();
  await process.retire(before);
});

test('the seals of all processes are counted, and a worn data key is replaced before 2^32 seals', async () => {
  const other = await open('two', { rotates: false });
  const at = { organizationId: null, table: 'grants', row: 'r', column: 'tokens' } as const;
  for (let n = 0; n < 30; n++) process.cipher.seal('x', at);
  for (let n = 0; n < 12; n++) other.cipher.seal('x', at);
  await Promise.all([process.watch.look(), other.watch.stop()]);
  expect(await stores.dataKeys.list()).toMatchObject([{ seals: 42, state: 'sealing' }]);
  expect(sealsPerDataKey).toBeLessThanOrEqual(2 ** 31);
  await stores.run('update data_keys set seals = $1', [sealsPerDataKey]);
  await expect
    .poll(async () => {
      await process.watch.look();
      return (await stores.dataKeys.list()).map(({ state }) => state);
    }, patience)
    .toEqual(['sealing', 'opening']);
  expect(await stores.keyRotations.latest()).toMatchObject({ startedBy: 'broker' });
});

test.each([
  ['token_url', `'https://attacker.example/token'`],
  ['provider', `'github'`],
  ['variables', `'{"a":"1","b":"attacker.example"}'`],
  ['secret_revocation_origin', `'https://attacker.example'`],
  ['secret_test_origin', `'https://attacker.example'`],
])('a client secret does not open after %s was changed by SQL, nor does a rotation mend it', async (column, value) => {
  const connection = await storeSecretConnection(stores, process.cipher, 'acme');
  const read = async () => (await stores.database.read('acme').connections.find(connection.name))?.connection;
  const stored = await read();
  if (stored === undefined) throw new Error('the connection is gone');
  expect(openClient(process.cipher, stored).secrets.map((one) => one.reveal())).toEqual([`secret-${connection.id}`]);
  await stores.run(`update connections set ${column} = ${value}`);
  await rotated();
  const changed = await read();
  if (changed === undefined) throw new Error('the connection is gone');
  expect(() => openClient(process.cipher, changed)).toThrow('A stored secret could not be opened.');
  expect(process.unreadable).toEqual([`connections.sealed_client_secrets ${connection.id}`]);
});

function secret(text: string) {
  return new Secret(text);
}
