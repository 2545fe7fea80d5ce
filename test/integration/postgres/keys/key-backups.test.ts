import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createConfirmKeyBackup } from '../../../../src/broker/keys/confirm-key-backup.ts';
import { createReadEncryption } from '../../../../src/broker/keys/read-encryption.ts';
import { type Caller, permissions } from '../../../../src/domain/callers/caller.ts';
import { actorOf } from '../../../support/memory/broker.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let client: Client;
beforeAll(async () => {
  stores = await openTestStores();
  client = new Client({ connectionString: stores.url });
  await client.connect();
});
afterAll(async () => {
  await client?.end();
  await stores?.end();
});

const trace = { requestId: 'request', address: null };
const { caller } = actorOf(null);
const keyEncryptionKeys = { currentId: 'k2', ids: ['k2', 'k1'] };
const time = { now: new Date('2030-01-01T00:00:00Z') };
const confirm = (by: Caller, keyId: string) =>
  createConfirmKeyBackup({ ...stores, keyEncryptionKeys, clock: () => time.now })(by, keyId, trace);
const read = () =>
  createReadEncryption({ ...stores, rotations: stores.keyRotations, keyEncryptionKeys })().then((state) =>
    state.encryptionKeyIds.map(({ id, backupConfirmedAt: at, backupConfirmedBy: by }) => [id, at, by]),
  );
const events = async () =>
  (
    await client.query(
      `select actor, details from audit_events where action = 'encryption.backup_confirmed' order by id`,
    )
  ).rows;

test('a confirmation is stored with its event, and a repetition replaces it', async () => {
  expect(await read()).toEqual([
    ['k2', null, null],
    ['k1', null, null],
  ]);
  await confirm(caller, 'k1');
  const first = time.now;
  expect(await read()).toEqual([
    ['k2', null, null],
    ['k1', first, 'bootstrap'],
  ]);
  time.now = new Date('2030-02-01T00:00:00Z');
  expect(await confirm({ ...caller, id: 'api_key:other' }, 'k1')).toEqual({
    keyId: 'k1',
    confirmedAt: time.now,
    confirmedBy: 'api_key:other',
  });
  expect((await read())[1]).toEqual(['k1', time.now, 'api_key:other']);
  expect(await events()).toEqual([
    { actor: 'bootstrap', details: { encryption_key_id: 'k1' } },
    { actor: 'api_key:other', details: { encryption_key_id: 'k1' } },
  ]);
});

test.each<[string, Partial<Caller>, string, string]>([
  ['an unknown key', {}, 'k9', 'not_found'],
  ['a caller of one organisation', { organizations: ['acme'] }, 'k2', 'forbidden'],
  ['a caller without the global scope', { global: false }, 'k2', 'forbidden'],
  [
    'a caller who may only read',
    { permissions: permissions.filter((one) => one !== 'admin:write') },
    'k2',
    'forbidden',
  ],
])('%s confirms nothing', async (_who, changes, keyId, code) => {
  const before = await events();
  await expect(confirm({ ...caller, ...changes }, keyId)).rejects.toMatchObject({ code });
  expect(await read()).toEqual(expect.arrayContaining([['k2', null, null]]));
  expect(await events()).toEqual(before);
});
